"""Any plan fits a comment, tells every loss, and shows no secret."""

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_change.comment import LIMIT, comment, marker
from azml_change.impact import STATEFUL
from azml_change.plan import Finding, Plan, Remark
from azml_change.report import Report, explain
from tests.support.plans import COMPONENT, DEPLOYMENT, ENDPOINT, ROLLOUT, UNKNOWN, reported, step, urn

SECRET = "hunter2-Zx9"
_MARKED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": SECRET}
_OTHERS = [
    DEPLOYMENT, ROLLOUT, "azml:index:ModelVersion", "azml:index:EnvironmentVersion", "azml:index:CodeVersion",
    "azure-native:authorization:RoleAssignment", "azure-native:web:WebApp", "kubernetes:core/v1:Service",
]  # fmt: skip
_OPS = st.sampled_from(["create", "update", "delete", "replace", "same", "create-replacement", "delete-replaced"])
_TEXT = st.text(max_size=30) | st.sampled_from(["x" * 3000, "a|b `c` <d> @e *f*", "line\nline", "/subscriptions/S/x"])
_SECRETS = st.sampled_from(
    [
        {"environmentVariables": {"TOKEN": SECRET}},
        {"environmentVariables": _MARKED},
        {"adminPassword": SECRET},
        {"properties": {"connectionString": SECRET}},
        {"properties": {"settings": [{"accountKey": SECRET}]}},
        {"tags": _MARKED},
    ]
)
_FILES = st.lists(_TEXT, max_size=3)
_SHARES = st.dictionaries(_TEXT, st.integers(0, 100), max_size=3)
_NUMBERS = st.integers(0, 100) | st.floats(0, 100)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": _TEXT,
    "deployment": _TEXT,
    "model": _TEXT,
    "location": _TEXT,
    "instanceType": _TEXT,
    "instanceCount": _NUMBERS,
    "traffic": _SHARES,
    "mirrorTraffic": _SHARES,
    "steps": st.lists(_NUMBERS, max_size=3),
    "keepPrevious": st.sampled_from(["PT24H", "P2D", "PT0S", "soon"]),
    "gates": st.fixed_dictionaries({}, optional={"smoke": _FILES, "schema": st.booleans(), "maxErrorRate": _NUMBERS}),
    "identity": st.fixed_dictionaries({"type": _TEXT}, optional={"userAssignedIdentities": _FILES}),
    "tags": st.dictionaries(_TEXT, _TEXT, max_size=3),
    "dataCollector": st.fixed_dictionaries({"collections": st.dictionaries(_TEXT, st.just({}), max_size=2)}),
    "onlineEndpointProperties": st.fixed_dictionaries({"authMode": _TEXT}),
    "sku": st.fixed_dictionaries({"capacity": _NUMBERS}),
    "ipRules": st.lists(st.fixed_dictionaries({"value": _TEXT}), max_size=2),
}
"""Inputs that are read, each in its type; any may be unknown or secret as well."""
_INPUTS = st.builds(
    lambda known, secret: {**known, **secret},
    st.fixed_dictionaries(
        {}, optional={name: values | st.sampled_from([UNKNOWN, _MARKED]) for name, values in _FIELDS.items()}
    ),
    _SECRETS | st.just({}),
)


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps of every kind; many, so that they do not fit."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        type_ = draw(st.sampled_from([*STATEFUL, *_OTHERS]))
        old, new = draw(_INPUTS), draw(_INPUTS)
        diff = {name: "update" for name in {**old, **new} if draw(st.booleans())}
        component = urn(COMPONENT, draw(st.sampled_from(["churn", "fraud"])))
        parent = draw(st.sampled_from([component, ""]))
        made = step(draw(_OPS), type_, f"r{number}", old, new, parent=parent, diff=diff or None)
        found.append(made)
    times = draw(st.sampled_from([1, 200]))
    return [_again(one, number) for number in range(times) for one in found]


def _again(one: dict[str, Any], number: int) -> dict[str, Any]:
    return {**one, "urn": f"{one['urn']}-{number}"}


@settings(max_examples=60)
@given(steps())
def test_any_plan_fits(made: list[dict[str, Any]]) -> None:
    """Losses are named as far as half a comment goes; the others are counted by what they are: none is left out."""
    report = reported(*made)
    text = comment("serving", [report])
    assert len(text) <= LIMIT
    assert SECRET not in text
    assert SECRET not in str(report.wire())
    assert lost_in(text) == stateful(made)


def stateful(made: list[dict[str, Any]]) -> int:
    """Resources that hold state and are deleted or replaced, counted from the document itself."""
    gone = {one["urn"] for one in made if one["urn"].split("::")[2] in STATEFUL and one["op"] in _GONE}
    return len(gone)


_GONE = {"delete", "replace", "create-replacement", "delete-replaced"}


def lost_in(text: str) -> int:
    """Losses that a comment names, and those that it counts."""
    section = re.search(r"### Deleted or replaced, with what is in it\n\n(.*?)(\n\n|\Z)", text, re.DOTALL)
    if section is None:
        return 0
    lines = section[1].splitlines()
    more = re.match(r"- and (\d+) more: ", lines[-1])
    return len(lines) - 1 + int(more[1]) if more else len(lines)


def test_what_does_not_fit_is_counted_by_what_it_is() -> None:
    storage, registry = "azure-native:storage:StorageAccount", "azure-native:containerregistry:Registry"
    made = [step("delete", storage, f"{'s' * 60}{n}") for n in range(1000)]
    made += [step("delete", registry, f"{'r' * 60}{n}") for n in range(1000)]
    text = comment("serving", [reported(*made)])
    section = text.split("### Deleted or replaced, with what is in it")[1]
    named = Counter(re.findall(r"^- (storage account|container registry) ", section, re.MULTILINE))
    counted = dict(re.findall(r"(?<=[ ,])(\d+) × (storage account|container registry)", section))
    totals = {kind: named[kind] + int(count) for count, kind in counted.items()}
    assert len(text) <= LIMIT
    assert totals.get("storage account", named["storage account"]) == 1000
    assert totals["container registry"] == 1000
    assert re.search(r"Cut to fit into a comment: .*\d+ .*outage", text)


def test_the_important_is_kept() -> None:
    """Remarks and harmless changes go first; a failure and what a policy refuses stay."""
    harmless = [step("update", "azure-native:web:WebApp", f"w{n}", {"a": "x"}, {"a": "y" * 70}) for n in range(2000)]
    plan = Plan.read("dev", {"steps": [*harmless, step("delete", ENDPOINT, "churn", {"name": "churn"})]})
    said = (Remark("error", "it broke here"), *(Remark("warning", "w" * 400) for _ in range(300)))
    report = explain(
        Plan("dev", plan.steps, said, (Finding("key-auth", "refused: no keys", refuses=True),), failed=True)
    )
    text = comment("serving", [report])
    assert len(text) <= LIMIT
    for kept in ("it broke here", "refused: no keys", "online endpoint churn", "URL and keys of churn"):
        assert kept in text
    assert re.search(r"Cut to fit into a comment: .*300 remarks", text)


def test_a_failure_is_counted_even_where_it_does_not_fit() -> None:
    said = tuple(Remark("error", "\n".join("e" * 400 for _ in range(40))) for _ in range(30))
    text = comment("serving", [Report("dev", (), remarks=said, failed=True)])
    assert len(text) <= LIMIT
    assert "**failed**" in text
    assert "failures" in text.rpartition("Cut to fit")[2]


def test_several_stacks_in_one_comment() -> None:
    """Losses of all stacks come before any stack's own changes, each with its stack."""
    scaled = step("update", DEPLOYMENT, "d", {"name": "d", "instanceCount": 1}, {"name": "d", "instanceCount": 3})
    gone = step("delete", ENDPOINT, "churn", {"name": "churn"}, outputs={"scoringUri": "https://churn.example/score"})
    text = comment("serving", [reported(scaled), reported(stack="test"), reported(gone, stack="prod")])
    lost = "- `prod`: URL https://churn.example/score and its keys"
    assert text.index(lost) < text.index("### `dev`") < text.index("### `prod`")
    assert "- `test`: nothing changes" in text
    assert "### `test`" not in text


def test_text_of_others_is_only_text() -> None:
    report = Report("dev", (), remarks=(Remark("warning", "<img src=x> @team `code` [a](b) | *x*"),))
    text = comment("serving", [report])
    assert "<img" not in text
    assert "@team" not in text
    assert r"\`code\` \[a\](b) \| \*x\*" in text


@pytest.mark.parametrize("project", ["serving", "--> <b>", "a b"])
def test_the_marker_is_one_comment_of_html(project: str) -> None:
    assert re.fullmatch(r"<!-- azml-preview: [0-9A-Za-z._-]+ -->", marker(project))
    assert comment(project, [reported()]).splitlines()[0] == marker(project)


def test_nothing_is_said_of_nothing() -> None:
    assert comment("serving", [reported()]) == f"{marker('serving')}\n\n## azml preview: nothing changes\n"
