"""The engine's plan, as `pulumi preview --json` prints it: what becomes of each resource, one step a resource.

Owns the names of that document, and that the several steps of a replacement are one. Values that a preview cannot know
are `UNKNOWN`; what the engine holds for secret is `SECRET` and comes with no value. Deliberately judges nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from azml_protocol import marks

Values = dict[str, Any]
Op = Literal["create", "update", "replace", "delete", "same"]

UNKNOWN: Final = "(known after up)"
SECRET: Final = "[secret]"  # noqa: S105 - what the engine itself puts in the place of one
_MEANINGS = {
    "because it is protected": "In azml's estate that is protect: false. Bring it live first, then this.",
    'invalid enforcement level ""': "The configuration has settings of a rule that the pack has not: check its name.",
}
"""Words of the engine's, and what they mean where it does not say what to change."""
_REFUSED = "preview failed"
"""All that the engine says itself where a policy refuses."""
_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced", "import-replacement", "discard-replaced"})
_PLAIN: Mapping[str, Op] = {"create": "create", "import": "create", "update": "update", "delete": "delete"}


@dataclass(frozen=True)
class Step:
    """What becomes of one resource. `old` and `new` are inputs; empty where it was not there, or will not be."""

    urn: str
    op: Op
    type: str
    name: str
    """Its name in the program."""
    parent: str
    """URN; empty for the stack."""
    id: str
    """In Azure; empty where it is not there yet."""
    old: Values
    new: Values
    state: Values
    """Outputs of before."""
    paths: tuple[str, ...]
    """Properties that the provider says differ, with `.` and `[n]`."""
    drifted: frozenset[str]
    """Those of them that no input says: Azure has another value."""
    reasons: tuple[str, ...]
    """Properties that another value of makes it another resource."""
    sources: Mapping[str, tuple[str, ...]]
    """URNs that an input's value comes from, by input."""
    old_sources: Mapping[str, tuple[str, ...]]
    """The same of before."""
    custom: bool
    """Whether it is something in a cloud; a component is not."""
    protect: bool = False
    """Whether the engine will refuse to delete or replace it."""
    was_protected: bool = False

    @property
    def inputs(self) -> Values:
        """As they will be; for what is deleted, as they were."""
        return self.new or self.old


@dataclass(frozen=True)
class Remark:
    """What was said on the way. `urn` is empty where it is about the whole."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True)
class Finding:
    """What a policy said. `refuses`: the engine does not go on."""

    policy: str
    text: str
    refuses: bool
    urn: str = ""


@dataclass(frozen=True)
class Plan:
    """Every resource of a stack, changed or not, and what was said."""

    stack: str
    steps: Mapping[str, Step]
    remarks: tuple[Remark, ...] = ()
    findings: tuple[Finding, ...] = ()
    failed: bool = False
    """Whether the engine gave up: the steps are then those that it got to."""

    @classmethod
    def read(
        cls,
        stack: str,
        document: Mapping[str, Any],
        events: Iterable[Values] = (),
        *,
        failed: bool = False,
        said: str = "",
    ) -> Self:
        """Read the document; `events` are those of the engine's log, where policies were asked.

        `failed`: the engine said so by its exit code; `said` is then its word where the document has none.
        """
        told = [
            Remark(one["severity"], _advised(one["message"]), one.get("urn", ""))
            for one in document.get("diagnostics") or ()
        ]
        findings = tuple(_finding(event["policyEvent"]) for event in events if "policyEvent" in event)
        if any(one.refuses for one in findings):
            told = [one for one in told if one.text != _REFUSED]
        silent = not any(one.severity == "error" for one in told) and not any(one.refuses for one in findings)
        if failed and silent:
            told.append(Remark("error", _advised(said) or "The engine failed and did not say why."))
        return cls(stack, _steps(document.get("steps") or ()), tuple(told), findings, failed)

    def remarks_on(self, urn: str) -> list[str]:
        """What was said about one resource."""
        return [" ".join(remark.text.split()) for remark in self.remarks if remark.urn == urn]


def _advised(text: str) -> str:
    """The engine's words, with what they mean where they alone do not say it. Its severity is said elsewhere."""
    text = text.strip().removeprefix("error: ")
    return "\n".join([text, *(meaning for words, meaning in _MEANINGS.items() if words in text)])


def _steps(raw: Any) -> dict[str, Step]:
    together: dict[str, list[Values]] = {}
    for one in raw:
        together.setdefault(one["urn"], []).append(one)
    return {urn: _step(urn, ones) for urn, ones in together.items() if kind_of(urn) != "pulumi:pulumi:Stack"}


def _step(urn: str, ones: list[Values]) -> Step:
    old: Values = next((one["oldState"] for one in ones if one.get("oldState")), {})
    new: Values = next((one["newState"] for one in reversed(ones) if one.get("newState")), {})
    ops = [one["op"] for one in ones]
    op: Op = (
        "replace" if _REPLACING & {*ops} else next((_PLAIN[each] for each in reversed(ops) if each in _PLAIN), "same")
    )
    said = {path: diff for one in ones for path, diff in (one.get("detailedDiff") or {}).items()}
    named = [name for one in ones for name in one.get("diffReasons") or ()]
    either = new or old
    if op == "same" and old and new and bool(old.get("protect")) != bool(new.get("protect")):
        op = "update"  # of the state alone, which the engine calls no change
    return Step(
        urn=urn,
        op=op,
        type=kind_of(urn),
        name=urn.rpartition("::")[2],
        parent=either.get("parent", ""),
        id=str(old.get("id", "")),
        old={} if op == "create" else _plain(old.get("inputs") or {}),
        new={} if op == "delete" else _plain(new.get("inputs") or {}),
        state=_plain(old.get("outputs") or {}),
        paths=tuple(said) or tuple(named),
        drifted=frozenset(path for path, diff in said.items() if not diff.get("inputDiff")),
        reasons=tuple(
            dict.fromkeys(
                [
                    *(name for one in ones for name in one.get("replaceReasons") or ()),
                    *(path for path, diff in said.items() if str(diff.get("kind")).endswith("-replace")),
                ]
            )
        ),
        sources=_sources(new),
        old_sources=_sources(old),
        custom=bool(either.get("custom")),
        protect=bool(new.get("protect")),
        was_protected=bool(old.get("protect")),
    )


def _sources(state: Values) -> dict[str, tuple[str, ...]]:
    return {name: tuple(urns) for name, urns in (state.get("propertyDependencies") or {}).items() if urns}


def kind_of(urn: str) -> str:
    """The type in a URN, without those of the parents."""
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") > 2 else ""


def _plain(value: Any) -> Any:
    """A value with unknowns and secrets as their words; null is as good as absent."""
    if isinstance(value, dict):
        if marks.SIGNATURE in value:
            return SECRET if value[marks.SIGNATURE] == marks.SECRET else UNKNOWN
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in marks.UNKNOWNS else value


def _finding(event: Values) -> Finding:
    text = event["message"].strip()
    return Finding(event["policyName"], text, event["enforcementLevel"] == "mandatory", event.get("resourceUrn", ""))


def mapping(value: Any) -> Values:
    """A map; an empty one where it is absent, unknown or secret as a whole."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """A list; an empty one where it is absent, unknown or secret as a whole."""
    return value if isinstance(value, list) else []
