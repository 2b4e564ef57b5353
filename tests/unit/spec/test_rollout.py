"""How a release goes live: every rule of the block, what it says, and where it points."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.spec import trace
from azml.spec.errors import Problem
from azml.spec.rollout import RolloutSpec
from azml.spec.types import iso
from tests.unit.spec.conftest import HEAD, Project

PATH = "online_endpoints.churn.rollout"
SMOKE = "smoke: [request.json]"


def estate(rollout: str) -> str:
    """An endpoint whose rollout stands in one line, line 7 of the stack file."""
    return (
        HEAD + "online_endpoints:\n- name: churn\n"
        "  deployments: [{name: blue, instance_type: Standard_DS3_v2, model: azureml:m:1, environment: azureml:e:1}]\n"
        f"  rollout: {rollout}\n"
    )


@pytest.fixture
def risk(project: Project) -> Project:
    project.write("request.json", '{"data": [[1]]}')
    project.write("answer.json", "[1]")
    return project


def rollout(project: Project, text: str) -> RolloutSpec:
    return project.load(estate(text)).online_endpoints[0].rollout


def told(problem: Problem) -> tuple[str, str, object, str | None, str | None]:
    return problem.path.removeprefix(f"{PATH}."), problem.what, problem.value, problem.allowed, problem.fix


def test_without_a_word_a_release_gets_everything_at_once_and_nothing_is_kept(risk: Project) -> None:
    made = rollout(risk, "{}")
    assert (made.steps, made.bake_time, made.keep_previous) == ([100], timedelta(0), timedelta(0))
    assert (made.on_failure, made.max_up_time) == ("keep", timedelta(hours=1))
    assert (made.gates.smoke, made.gates.golden, made.gates.schema) == ([], [], False)
    assert made.gates.max_error_rate is None
    assert made.gates.mirror_first is None
    assert made.gates.metrics.grain == timedelta(minutes=1)


def test_everything_written(risk: Project) -> None:
    made = rollout(
        risk,
        "{steps: [10, '50', 100.0], bake_time: PT10M, keep_previous: PT24H, on_failure: Delete, max_up_time: PT2H,"
        " gates: {smoke: [request.json], golden: [{request: request.json, expected: answer.json, tolerance: 0}],"
        " schema: yes, latency_p95_ms: 200, max_p95_ratio: '1.3', max_error_rate: 0, min_requests: 1,"
        " mirror_first: {percent: 50, bake_time: PT1M}, metrics: {grain: PT5M, lag: PT0S}}}",
    )
    assert (made.steps, made.bake_time, made.on_failure) == ([10, 50, 100], timedelta(minutes=10), "delete")
    assert (made.keep_previous, made.max_up_time) == (timedelta(days=1), timedelta(hours=2))
    gates = made.gates
    assert gates.smoke == [risk.folder / "request.json"]
    assert (gates.golden[0].expected, gates.golden[0].tolerance) == (risk.folder / "answer.json", 0)
    assert (gates.schema, gates.latency_p95_ms, gates.max_p95_ratio) == (True, 200, 1.3)
    assert (gates.max_error_rate, gates.min_requests) == (0, 1)
    assert gates.mirror_first is not None
    assert (gates.mirror_first.percent, gates.metrics.lag) == (50, timedelta(0))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PT0S", timedelta(0)),
        ("PT90S", timedelta(seconds=90)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1DT12H", timedelta(hours=36)),
        ("P3650D", timedelta(days=3650)),
    ],
)
def test_durations(risk: Project, written: str, meant: timedelta) -> None:
    assert rollout(risk, f"{{keep_previous: {written}}}").keep_previous == meant


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("10m", "write PT10M"),
        ("10 min", "write PT10M"),
        ("90", "write PT90S"),
        ("30s", "write PT30S"),
        ("24 hours", "write PT24H"),
        ("2d", "write P2D"),
        ("1h 30min", "write PT1H30M"),
        ("1 day 12h", "write P1DT12H"),
        ("pt10m", "write PT10M"),
        ("1 month", None),
        ("500 ms", None),
        ("P1W", None),
        ("P1M", None),
        ("PT", None),
        ("P", None),
        ("''", None),
        ("true", None),
        ("-5m", None),
        ("soon", None),
    ],
)
def test_what_is_no_duration_is_told_what_was_probably_meant(risk: Project, written: str, fix: str | None) -> None:
    problem = risk.problem(estate(f"{{keep_previous: {written}}}"))
    assert (problem.what, problem.allowed) == ("is no duration", "ISO 8601: PT30S, PT10M, PT24H, P1D")
    assert (problem.path, problem.line, problem.fix) == (f"{PATH}.keep_previous", 8, fix)


def test_no_calendar_is_longer_than_ten_years(risk: Project) -> None:
    for written in ("P3651D", "P999999999999D", f"PT{'9' * 400}S", "P3650DT1S"):
        problem = risk.problem(estate(f"{{keep_previous: {written}}}"))
        assert (problem.what, problem.value, problem.allowed) == ("is too long", written, "at most P3650D")


NOT_UP = ("do not lead up to 100", "rising percentages, the last of them 100")
NEVER = "is never looked at: without steps a release gets everything at once"
ADD_STEPS = "add steps: [10, 50, 100] to the rollout, or steps: [100] if that is meant"
NOTHING_TO_SEND = "nothing is there to send"
ADD_REQUESTS = "add smoke: [request.json], or golden: [{request: request.json, expected: answer.json}]"
NO_GRAIN = "Azure Monitor sums up no such time"
GRAINS = "whole minutes: PT1M, PT5M; on the local Azure also PT1S, PT5S, PT10S, PT15S, PT30S"
TOO_SHORT = "is too short: Azure Monitor has no figure of it, and max_error_rate needs one"


@pytest.mark.parametrize(
    ("written", "source", "expected"),
    [
        ("{steps: [50, 10]}", "steps", ("steps", NOT_UP[0], [50, 10], NOT_UP[1], "write steps: [10, 50, 100]")),
        ("{steps: [10, 50]}", "steps", ("steps", NOT_UP[0], [10, 50], NOT_UP[1], "write steps: [10, 50, 100]")),
        ("{steps: [10, 10, 100]}", "steps", ("steps", NOT_UP[0], [10, 10, 100], NOT_UP[1], "write steps: [10, 100]")),
        ("{steps: []}", "steps", ("steps", NOT_UP[0], [], NOT_UP[1], "write steps: [100]")),
        ("{steps: [0, 100]}", "0, 100", ("steps.[0]", "is too small", "0", "1 or more", None)),
        ("{steps: [10, 101]}", "101", ("steps.[1]", "is too large", "101", "at most 100", None)),
        ("{steps: 100}", "100", ("steps", "must be a list", "100", None, "begin each item with a dash")),
        ("{bake_time: PT10M}", "PT10M", ("bake_time", NEVER, None, None, ADD_STEPS)),
        ("{gates: {max_error_rate: 0.0}}", "0.0", ("gates.max_error_rate", NEVER, "0.0", None, ADD_STEPS)),
        (
            "{steps: [10, 100], gates: {max_error_rate: 0.01}}",
            "rollout",
            ("bake_time", TOO_SHORT, "PT0S", "PT1M or more, which is gates.metrics.grain", None),
        ),
        (
            "{steps: [10, 100], bake_time: PT4M59S, gates: {max_error_rate: 0, metrics: {grain: PT5M}}}",
            "PT4M59S",
            ("bake_time", TOO_SHORT, "PT4M59S", "PT5M or more, which is gates.metrics.grain", None),
        ),
        ("{gates: {schema: yes}}", "yes", ("gates.schema", NOTHING_TO_SEND, None, None, ADD_REQUESTS)),
        ("{gates: {latency_p95_ms: 9}}", "9", ("gates.latency_p95_ms", NOTHING_TO_SEND, "9", None, ADD_REQUESTS)),
        ("{gates: {max_p95_ratio: 1.3}}", "1.3", ("gates.max_p95_ratio", NOTHING_TO_SEND, "1.3", None, ADD_REQUESTS)),
        (
            "{gates: {mirror_first: {percent: 51, bake_time: PT1M}}}",
            "51",
            ("gates.mirror_first.percent", "is too large", "51", "at most 50", None),
        ),
        (
            "{gates: {mirror_first: {percent: 10, bake_time: PT0S}}}",
            "PT0S",
            ("gates.mirror_first.bake_time", "copies nothing", "PT0S", None, "write how long: PT10M"),
        ),
        (
            "{gates: {mirror_first: {percent: 10}}}",
            "mirror_first",
            ("gates.mirror_first.bake_time", "is missing", None, "How long.", "add bake_time"),
        ),
        (
            "{gates: {metrics: {grain: PT0S}}}",
            "PT0S",
            ("gates.metrics.grain", NO_GRAIN, "PT0S", GRAINS, None),
        ),
        *(
            (f"{{gates: {{metrics: {{grain: {odd}}}}}}}", odd, ("gates.metrics.grain", NO_GRAIN, odd, GRAINS, None))
            for odd in ("PT0.5S", "PT2S", "PT45S", "PT1M1S", "PT1M30S", "PT1H0.5S")
        ),
        (
            "{on_failure: rollback}",
            "rollback",
            ("on_failure", "is not known here", "rollback", "keep, delete", None),
        ),
        ("{bake: PT1M}", "bake:", ("bake", "there is no such key", None, None, "did you mean bake_time?")),
        (
            "{smoke: [request.json]}",
            "smoke",
            ("smoke", "there is no such key here", None, None, "it belongs in gates, further in"),
        ),
        (
            f"{{gates: {{{SMOKE}, max_p95_ratio: 0}}}}",
            "0}}",
            ("gates.max_p95_ratio", "is too small", "0", "0.1 or more", None),
        ),
        ("{gates: {min_requests: 0}}", "0}}", ("gates.min_requests", "is too small", "0", "1 or more", None)),
        (
            "{gates: {max_error_rate: 1%}}",
            "1%",
            ("gates.max_error_rate", "must be a number", "1%", None, None),
        ),
        (
            "{steps: [100], gates: {max_error_rate: 1}}",
            "1}}",
            (
                "gates.max_error_rate",
                "is a gate that nothing fails: 1 is every request",
                "1",
                "a share below 1",
                "write 0.01 for one request in a hundred",
            ),
        ),
        (
            "{gates: {golden: [{request: request.json}]}}",
            "{request",
            ("gates.golden.[0].expected", "is missing", None, "File with the answer, JSON.", "add expected"),
        ),
    ],
)
def test_what_is_refused(risk: Project, written: str, source: str, expected: tuple[object, ...]) -> None:
    problem = risk.problem(estate(written))
    assert told(problem) == expected
    assert problem.line == 8
    assert risk.source(problem).startswith(source)


def test_a_rule_of_the_gates_hides_none_of_the_rollout(risk: Project) -> None:
    problems = risk.problems(estate("{steps: [50], bake_time: PT0S, gates: {schema: true, max_p95_ratio: 2}}"))
    assert {problem.path.removeprefix(f"{PATH}.") for problem in problems} == {
        "steps",
        "gates.schema",
        "gates.max_p95_ratio",
    }


def test_all_at_once_is_fine_where_a_stage_says_so(risk: Project) -> None:
    made = rollout(risk, "{steps: [100], bake_time: PT10M, gates: {max_error_rate: 0.01}}")
    assert made.steps == [100]


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_a_duration_is_written_so_that_it_can_be_read(duration: timedelta) -> None:
    written = RolloutSpec.from_args({"keep_previous": iso(duration)})
    assert written.keep_previous == duration
    # What the program hands to the component.
    assert RolloutSpec.from_args(written.model_dump(mode="json", exclude_unset=True)) == written


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ('{"data": [[1],]}', "is no JSON: {}:1:15: "),
        ("", "is no JSON: {}:1:1: Expecting value"),
        (b"\xff\xfe\xfa", "cannot be read as JSON: {}: "),
    ],
)
def test_what_a_gate_sends_is_json(risk: Project, content: str | bytes, wrong: str) -> None:
    """Seen when the stack file is checked, and not after a release was built."""
    file = risk.folder / "request.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    problem = risk.problem(estate("{gates: {smoke: [request.json]}}"))
    assert problem.path.removeprefix(f"{PATH}.") == "gates.smoke.[0]"
    assert problem.what.startswith(wrong.format(file))
    assert (problem.line, problem.allowed) == (8, "a file that holds one JSON value")


def test_errors_of_copies_are_looked_at_without_steps(risk: Project) -> None:
    first = "mirror_first: {percent: 10, bake_time: PT5M}"
    assert rollout(risk, f"{{gates: {{max_error_rate: 0.01, {first}}}}}").gates.max_error_rate == 0.01


def test_explain_writes_durations_as_a_stack_file_has_them(risk: Project) -> None:
    risk.stack(estate("{steps: [10, 100], bake_time: PT600S, gates: {smoke: [request.json]}}"))
    values = {value.path.removeprefix(f"{PATH}."): value for value in trace(risk.folder, "dev")}
    assert (values["bake_time"].value, values["bake_time"].line) == ("PT10M", 8)
    assert (values["keep_previous"].value, values["keep_previous"].line) == ("PT0S", None)
    assert values["max_up_time"].value == "PT1H"
    assert values["gates.metrics.grain"].value == "PT1M"
    assert json.loads(json.dumps([value.value for value in values.values()]))
