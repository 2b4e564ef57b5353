"""What every handler has in common: one resource type's create, read, update and delete over plain values.

Owns the rules that hold for all of them: what counts as a difference, what refresh and import give, what a preview
shows. Deliberately no gRPC (`azml.provider`) and no ARM requests (the subclasses).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from azml.resources.arm_id import ArmId
from azml.resources.errors import Refused
from azml.resources.wire import UNKNOWN, has_unknown
from azml.resources.work import Work

ML = "2025-12-01"
"""API version of Microsoft.MachineLearningServices: the one of azure-native 3.29 and azure-ai-ml 1.35."""

OWNER = "azml.owner"
"""Property of an endpoint or a deployment: the urn of the resource that made it. ARM never lets it be altered."""

GONE = "gone"
"""Key of `Difference.drifted` for a resource that is not there any more."""

Values = dict[str, Any]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass(frozen=True)
class Live:
    """What is in Azure: the inputs that would make it, and the outputs."""

    inputs: Values
    outputs: Values


@dataclass
class Difference:
    """What is not as it should be: changed inputs, inputs that need another resource, and what live differs in."""

    changed: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    drifted: dict[str, str] = field(default_factory=dict)
    """Property to a remark for the user. The engine shows old state against new; the live value is in the remark."""


class Handler:
    """CRUD of one type. A subclass sets the class variables and writes the methods that raise here.

    Inputs and outputs are plain dicts with the wire's camelCase keys. State is the inputs plus the outputs.
    """

    what: ClassVar[str]
    """What a user calls it."""
    identity: ClassVar[frozenset[str]] = frozenset()
    """Inputs that say which thing it is: another value is another resource."""
    silent: ClassVar[frozenset[str]] = frozenset()
    """Inputs that never count as a difference."""
    computed: ClassVar[frozenset[str]] = frozenset()
    """Outputs that only Azure knows."""
    kept: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are secrets and that nobody shows a second time: only state has them, and no answer loses them."""
    sensitive: ClassVar[frozenset[str]] = frozenset()
    """Inputs that may hold secrets: on import, where no program says which do, all of them count as secret."""

    def check(self, inputs: Values) -> Values:
        """Inputs with what is missing filled in; `Refused` where they cannot be right. No network."""
        return inputs

    def arm_id(self, inputs: Values) -> ArmId:
        """Where it is; called with known inputs only."""
        raise NotImplementedError

    def look(self, work: Work, id_: ArmId) -> Live | None:
        """What is there now."""
        raise NotImplementedError

    def create(self, work: Work, inputs: Values) -> Values:
        """Make it, or adopt what is ours already; give the outputs."""
        raise NotImplementedError

    def left(self, work: Work, inputs: Values) -> Values | None:
        """Outputs of what an interrupted create of this very resource left; None where there is nothing of its."""
        raise NotImplementedError

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:
        """Make live what the inputs say, also where it is gone; give the outputs. `old` are the inputs of before."""
        raise NotImplementedError

    def delete(self, work: Work, state: Values) -> None:
        """Take it away; what is gone already is no error."""
        raise NotImplementedError

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:
        """Inputs and outputs as they are live, None where it is gone. No inputs: an import, which takes all there are.

        On refresh an input changes only where live is something else; what Azure has besides stays out of it.
        """
        live = self.look(work, ArmId.parse(id_))
        if live is None:
            return None
        if not inputs:
            return live.inputs, {**live.inputs, **live.outputs}
        differing = self.compare(inputs, live)
        kept = {name: value for name, value in inputs.items() if name not in differing}
        known = {name: wanted for name, wanted in inputs.items() if name in differing and name in live.inputs}
        seen = {**kept, **{name: _seen(wanted, live.inputs[name]) for name, wanted in known.items()}}
        return seen, {**seen, **live.outputs}

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:  # noqa: ARG002 - a rollout reads it
        """What is live and not as wanted, with a remark for each."""
        if has_unknown({name: inputs.get(name) for name in self.identity}):
            return {}
        live = self.look(work, self.arm_id(inputs))
        if live is None:
            return {GONE: f"The {self.what} is gone in Azure: it is made again."}
        return self.compare(inputs, live)

    def compare(self, inputs: Values, live: Live) -> dict[str, str]:
        """What is there and not as wanted, with a remark for each."""
        return {
            name: _remark(name, wanted, live.inputs[name])
            for name, wanted in inputs.items()
            if name in live.inputs and name not in self.identity and not equal(wanted, live.inputs[name])
        }

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """Old inputs against new, then live against new."""
        names = (old.keys() | inputs.keys()) - self.silent
        changed = {name for name in names if old.get(name) != inputs.get(name)}
        # What the program does not say any more stays what it is: an imported location, for example.
        said = {name for name in changed & self.identity if inputs.get(name) is not None}
        replaced = {name for name in said if not same(name, old.get(name), inputs[name])}
        found = Difference(changed - (self.identity - replaced), replaced)
        if not replaced:
            drifted = self.drift(work, inputs, state)
            found.drifted = {name: remark for name, remark in drifted.items() if name not in changed}
        return found

    def foresee(self, work: Work, inputs: Values) -> None:
        """Say in a preview what making it will meet; `Refused` where it is sure to fail. By default: nothing."""

    def preview(self, inputs: Values, state: Values) -> Values:
        """Outputs of a create or update that is only planned. `state` is empty for a create."""
        known = {name: state.get(name, UNKNOWN) for name in self.computed}
        return {**known, **inputs}

    def in_the_way(self, old: Values, new: Values) -> bool:
        """Whether the new one cannot be made beside the old one: both have the same id."""
        return self.preview_id(old).lower() == self.preview_id(new).lower() != ""

    def preview_id(self, inputs: Values) -> str:
        """The id where the inputs of a planned create tell it, else empty (unknown)."""
        known = {name: inputs.get(name) for name in self.identity}
        return "" if has_unknown(known) else self.id_of(inputs, {})

    def id_of(self, inputs: Values, outputs: Values) -> str:  # noqa: ARG002 - a rollout's id is an output
        """The resource's id in state."""
        return self.arm_id(inputs).text


def made_in_stack(work: Work, found: Values) -> bool:
    """Whether a resource of this stack made an endpoint or a deployment, as ARM has it."""
    owner = str((found["properties"].get("properties") or {}).get(OWNER, ""))
    return owner.split("::")[:2] == work.urn.split("::")[:2]


def same(name: str, old: object, new: object) -> bool:
    """Whether two values that identify a resource mean the same: ARM ignores case in ids, and spaces in locations."""
    if not isinstance(old, str) or not isinstance(new, str):
        return old == new
    if name == "location":
        return location(old) == location(new)
    return old.lower() == new.lower() if name.endswith("Id") else old == new


def location(text: str) -> str:
    """`West Europe` as `westeurope`."""
    return text.replace(" ", "").lower()


def equal(wanted: Any, live: Any) -> bool:
    """Whether live is what was wanted; what live has besides (service defaults, tags of others) does not count."""
    if wanted is UNKNOWN:
        return True
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return all(equal(item, live.get(key)) for key, item in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(map(equal, wanted, live))
    if isinstance(wanted, str) and isinstance(live, str):
        return _meaning(wanted) == _meaning(live)
    return bool(wanted == live)


def _seen(wanted: Any, live: Any) -> Any:
    """The live value, of maps only the keys that were wanted: another's tag in our inputs would be ours to remove."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return {key: _seen(item, live[key]) for key, item in wanted.items() if key in live}
    return live


def _remark(name: str, wanted: Any, live: Any) -> str:
    """Say what differs; of maps only the keys, as values of variables may be secrets."""
    if isinstance(wanted, Mapping):
        keys = [key for key, item in wanted.items() if not equal(item, (live or {}).get(key))]
        return f"{name} has another {', '.join(keys)} in Azure: it is set again."
    return f"{name} is {live!r} in Azure, not {wanted!r}: it is set again."


def _meaning(text: str) -> object:
    """What a text says to ARM: ids ignore case, and PT90S is PT1M30S."""
    if text.lower().startswith("/subscriptions/"):
        return text.lower()
    length = seconds(text)
    return text if length is None else length


def seconds(text: str) -> Decimal | None:
    """How long an ISO 8601 duration of days, hours, minutes and seconds is; None where the text is no such thing."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (Decimal(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def require(inputs: Values, names: Iterable[str], what: str) -> None:
    """`Refused` naming every required input that is missing."""
    missing = [name for name in names if inputs.get(name) is None]
    if missing:
        raise Refused(f"A {what} needs {', '.join(missing)}.")


def refuse_lost_properties(what: str, name: str, old: Values, inputs: Values) -> None:
    """`Refused` where entries of `properties` would go or change: Azure lets them be added only."""
    before, wanted = old.get("properties") or {}, inputs.get("properties") or {}
    if has_unknown(wanted):
        return
    lost = sorted(key for key, value in before.items() if wanted.get(key) != value)
    if lost:
        raise Refused(
            f"The {what} {name} was made with other properties: {', '.join(lost)}. "
            "Azure lets properties be added, none altered or removed.\n"
            f"Put back what was there, or give the {what} another name."
        )


def present(values: Mapping[str, Any]) -> Values:
    """Without what is not given: null in a PUT body is not the same as absent."""
    return {key: value for key, value in values.items() if value is not None}
