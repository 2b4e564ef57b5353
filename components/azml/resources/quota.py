"""Cores that a new deployment takes beside all that is there, against the quota of its region.

Owns the look before anything is made: at the peak an old and a new release stand side by side, each with the reserve
that Azure keeps for upgrades. A quota that cannot be read is said and stops nothing: Azure decides in the end.
Deliberately does not count what Azure counts: usages are ARM's own.
"""

import threading
from collections.abc import Iterable
from typing import NamedTuple

from azml.facts import online_endpoints, vm_sizes
from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError, Refused
from azml.resources.handler import ML, Values, location
from azml.resources.work import Work

_TOTAL = "/dedicatedcores/usages"
_FAMILY = f"/vmfamily{_TOTAL}"
"""How the types of usages end, in small letters."""
_HOW_TO_ASK = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas"


class Size(NamedTuple):
    """A VM size in a region. The family is empty where the region does not list it."""

    name: str
    family: str
    cores: int

    def needs(self, instances: int) -> int:
        """Cores that count for so many instances: ceil(1.2 x instances), without reserve for some large sizes."""
        return online_endpoints.instances_in_quota(self.name, instances) * self.cores


class Wanted(NamedTuple):
    """Instances of one size: of the deployment to come, of one planned beside it, or of one that goes before it."""

    instance_type: str
    instances: int


class Usage(NamedTuple):
    """Cores that are used and allowed, in total or of one family. None: Azure does not say, or there is no limit."""

    name: str
    family: str
    used: int | None
    limit: int | None


class Preflight:
    """Looks of one run. What previews plan is added up: each release fits alone where all of them may not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[str, tuple[str, Wanted]] = {}

    def plan(self, id_: ArmId, region: str, wanted: Wanted) -> list[Wanted]:
        """Note a deployment that a preview is going to make; give the others of its region."""
        with self._lock:
            others = [other for key, (place, other) in self._planned.items() if place == region and key != id_.key]
            self._planned[id_.key] = (region, wanted)
        return others


def refuse_peak(
    work: Work,
    id_: ArmId,
    region: str,
    wanted: Wanted,
    *,
    beside: str | None = None,
    has: int = 0,
    planned: Iterable[Wanted] = (),
    going: Iterable[Wanted] = (),
) -> None:
    """`Refused` with the figures where the region's quota has no room for one more deployment, or for a bigger one.

    `beside` is the release that stays until the new one has taken over, `has` the instances that the deployment has
    already, `planned` will be made in the same run, `going` is counted as used and will be deleted before.
    """
    at = f"/subscriptions/{id_.subscription}/providers/Microsoft.MachineLearningServices/locations/{location(region)}"
    try:
        usages = [_usage(each) for each in work.arm.list_all(f"{at}/usages", ML)]
        listed = {str(each["name"]).lower(): each for each in work.arm.list_all(f"{at}/vmSizes", ML)}
    except ArmError as error:
        work.warn(f"Whether the quota of {region} has room for {id_.name} is not known, and it is tried: {error}")
        return
    size = _size(wanted.instance_type, listed)
    if size is None:
        return
    for usage in usages:
        if usage.used is None or usage.limit is None or usage.family not in ("", size.family):
            continue
        change = _cores(planned, listed, usage), _cores(going, listed, usage) + size.needs(has)
        if usage.used - change[1] + change[0] + size.needs(wanted.instances) > usage.limit:
            raise Refused(_words(id_, region, size, wanted, usage, change, beside, has))


def _usage(row: Values) -> Usage:
    """One row. A family is called standardDSv2Family; ARM's example writes out what people are shown."""
    name, type_ = row.get("name") or {}, str(row.get("type", "")).lower()
    shown = str(name.get("localizedValue") or name.get("value") or "")
    used, limit = row.get("currentValue"), row.get("limit")
    whole = limit if isinstance(limit, int) and limit >= 0 else None
    if type_.endswith(_FAMILY):
        return Usage(shown, _family(str(name.get("value"))), used, whole)
    # Numbers of clusters, low-priority cores and the like are not ours.
    return Usage(shown, "", used, whole if type_.endswith(_TOTAL) else None)


def _family(text: str) -> str:
    return text.lower().replace(" ", "").replace("_", "").removesuffix("clusterdedicatedvcpus")


def _size(name: str, listed: dict[str, Values]) -> Size | None:
    row, known = listed.get(name.lower(), {}), vm_sizes.find(name)
    cores = row.get("vCPUs") or (known and known.cores)
    if not cores:
        return None
    return Size(known.name if known else name, _family(str(row.get("family") or "-")), int(cores))


def _cores(deployments: Iterable[Wanted], listed: dict[str, Values], usage: Usage) -> int:
    sizes = [(_size(each.instance_type, listed), each.instances) for each in deployments]
    return sum(size.needs(count) for size, count in sizes if size is not None and usage.family in ("", size.family))


def _words(
    id_: ArmId,
    region: str,
    size: Size,
    wanted: Wanted,
    usage: Usage,
    change: tuple[int, int],
    beside: str | None,
    has: int,
) -> str:
    planned, going = change
    used, limit = (usage.used or 0) - going, usage.limit or 0
    needs, room = size.needs(wanted.instances), max(0, limit - used - planned)
    reserve = "" if needs == wanted.instances * size.cores else ", and a reserve of 20 % that Azure keeps for upgrades"
    also = f" + {planned} of other deployments of this update" if planned else ""
    fits = max((count for count in range(1, wanted.instances) if size.needs(count) <= room), default=0)
    remedies = [
        *(["release: fixed on the deployment, which is changed in place and needs no second one"] if beside else []),
        *([f"instance_count: {fits} or fewer"] if fits else []),
        f"more quota for {usage.name} in {region}: {_HOW_TO_ASK}",
    ]
    there = f" beside {beside}, which serves until it has taken over" if beside else ""
    stays, used_by = "Nothing was made.", "in use"
    if has:
        there, stays, used_by = f" with more than its {has} instances", "It stays as it is.", "in use without it"
    return (
        f"The quota of {region} has no room for deployment {id_.name}{there}. {stays}\n"
        f"It takes {needs} cores: {wanted.instances} x {size.name} of {size.cores}{reserve}.\n"
        f"{usage.name}: {used} {used_by}{also} + {needs} = {used + planned + needs}, and {limit} are allowed.\n"
        "What helps: " + ";\n  or ".join(remedies)
    )
