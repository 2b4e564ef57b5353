"""Models, code, environments and data: which version, and what is in it that people can read.

Owns the words for versions. Deliberately does not say who uses them (`deployment`).
"""

import re
from collections.abc import Iterable

from azml_change import words
from azml_change.plan import UNKNOWN, Plan, Step

MODEL, CODE = "azml:index:ModelVersion", "azml:index:CodeVersion"
ENVIRONMENT, DATA = "azml:index:EnvironmentVersion", "azml:index:DataVersion"
KINDS = {MODEL: "model", ENVIRONMENT: "environment", DATA: "data asset", CODE: "code"}
_VERSION = re.compile(r"/(?:models|environments|codes|data)/([^/]+)/(?:versions|labels)/([^/]+)/?$", re.IGNORECASE)
_MOST = 6
"""Lines of a conda file that are shown."""

Texts = dict[tuple[str, str, str], Step]


def name_and_version(id_: object) -> str:
    """`diabetes 4c0f…` of an ARM id or a registry URI; what is neither, as it is."""
    if id_ is None:
        return "none"
    found = _VERSION.search(str(id_))
    return f"{found[1]} {found[2]}" if found else words.shown(id_)


def version(id_: object) -> str:
    """The version alone."""
    found = _VERSION.search(str(id_))
    return found[2] if found else name_and_version(id_)


def environments(plan: Plan) -> dict[str, Step]:
    """Environment versions of the plan by `name version`."""
    found = (step for step in plan.steps.values() if step.type == ENVIRONMENT)
    return {f"{step.inputs.get('name')} {step.inputs.get('version')}": step for step in found}


def inside(old_id: object, new_id: object, known: dict[str, Step]) -> list[str]:
    """What two versions of an environment differ in: image, conda file, build."""
    old, new = (known.get(name_and_version(id_)) for id_ in (old_id, new_id))
    if old is None or new is None:
        return []
    lines = []
    if (before := old.inputs.get("image")) != (now := new.inputs.get("image")):
        lines.append(f"image {words.shown(before)} → {words.shown(now)}")
    conda = [str(step.inputs.get("condaFile", "")) for step in (old, new)]
    if conda[0] != conda[1]:
        lines.append(f"conda file: {_edited(*conda)}")
    if old.inputs.get("build") != new.inputs.get("build"):
        lines.append("build: other files or another Dockerfile")
    return lines


def _edited(old: str, new: str) -> str:
    before, now = (
        [line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()] for text in (old, new)
    )
    less = [f"- {line}" for line in before if line not in now]
    more = [f"+ {line}" for line in now if line not in before]
    return words.listed([*less, *more], _MOST) or "another order"


def archived(steps: Iterable[Step]) -> list[str]:
    """Versions that leave the program without a successor; code, which has no name of its own, aside."""
    found = list(steps)
    named = {(step.type, step.new.get("name")) for step in found if step.op in ("create", "replace")}
    return [
        f"{KINDS[step.type]} {step.old.get('name')} {step.old.get('version')}: archived, not deleted"
        for step in found
        if step.op == "delete"
        and step.type in (MODEL, ENVIRONMENT, DATA)
        and (step.type, step.old.get("name")) not in named
    ]


def used(plan: Plan) -> set[str]:
    """`name version` of what deployments will run."""
    places = [step.new.get(name) for step in plan.steps.values() for name in ("model", "environmentId")]
    return {name_and_version(place) for place in places if isinstance(place, str) and place != UNKNOWN}
