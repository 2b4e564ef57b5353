"""Verdicts on live and copied requests, from the local Azure Monitor and from answers in its documented shape."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError
from azml.resources.gates import ask, azure_monitor
from azml.resources.gates.azure_monitor import window
from azml.resources.gates.verdict import Outcome, Verdict
from azml.spec.rollout import MetricsSpec
from azml_gateway.counts import Key, Second, step
from azml_local.settings import Settings
from tests.unit.resources.conftest import Azure
from tests.unit.resources.gates.conftest import NEW, OLD

FAST = {"grain": "PT1S", "lag": "PT0S"}
SMOKE = [str(Path(__file__).parent / "recorded" / "swagger-decorated.2.json")]
"""Some file: gates on latency are for own requests, too. None is sent here."""
STEP = 1.02
"""The local Azure knows latencies to 2 %."""


@pytest.fixture
def endpoint(azure: Azure) -> Iterator[ArmId]:
    made = azure.endpoint()
    for name in (NEW, OLD):
        azure.deployment(made, name)
    yield ArmId.parse(made)
    azure.plane.counted = []


@pytest.fixture
def as_in_azure(azure: Azure) -> Iterator[None]:
    """A monitor without figures of less than a minute."""
    before, azure.theirs.running.azure.settings = azure.theirs.running.azure.settings, Settings(metric_grain_seconds=60)
    yield
    azure.theirs.running.azure.settings = before


def requests(azure: Azure, *seconds: dict[tuple[str, int, float], int], copies: bool = False) -> datetime:
    """Say what ended in each of these seconds (deployment, status, latency in ms); the time they began at."""
    began = int(time.time()) - 20
    keys = [{_key(*one): number for one, number in second.items()} for second in seconds]
    azure.plane.counted = [
        Second(began + at, mirror=second) if copies else Second(began + at, live=second)
        for at, second in enumerate(keys)
    ]
    return datetime.fromtimestamp(began, UTC)


def _key(deployment: str, status: int, milliseconds: float) -> Key:
    return deployment, status, 500 if status == 424 else status, step(milliseconds / 1000)


def judged(azure: Azure, endpoint: ArmId, since: datetime, live: str | None = OLD, **gates: Any) -> dict[str, Verdict]:
    found = ask.figures(azure.work(), {"metrics": FAST, "smoke": SMOKE, **gates}, endpoint, NEW, live, since, 10)
    return {verdict.gate: verdict for verdict in found}


def test_gates_that_want_no_figures_read_none(azure: Azure, endpoint: ArmId) -> None:
    assert judged(azure, endpoint, datetime.now(UTC)) == {}
    assert ask.figures(azure.work(), {}, endpoint, NEW, OLD, datetime.now(UTC), 10) == []


@pytest.mark.parametrize(
    ("status", "counts"), [(500, 1), (502, 1), (503, 1), (424, 1), (408, 1), (429, 1), (400, 0), (413, 0), (499, 0)]
)
def test_what_counts_as_failed(azure: Azure, endpoint: ArmId, status: int, counts: int) -> None:
    """What callers did wrong is neither a failure of the release nor one of its requests."""
    since = requests(azure, {(NEW, 200, 10): 98, (NEW, status, 10): 2, (OLD, 500, 10): 50})
    verdict = judged(azure, endpoint, since, maxErrorRate=0.01)["max_error_rate"]
    assert verdict.outcome is (Outcome.FAIL if counts else Outcome.PASS)
    assert verdict.expected == "at most 1.00% of live requests at 10 % fail"
    seen = f"2.00% of 100 requests, 2 of them failed ({status}: 2)" if counts else "0.00% of 98 requests, none of them"
    assert verdict.seen.startswith(seen)


def test_the_limit_itself_passes(azure: Azure, endpoint: ArmId) -> None:
    since = requests(azure, {(NEW, 200, 10): 60}, {(NEW, 200, 10): 39}, {(NEW, 424, 10): 1})
    assert judged(azure, endpoint, since, maxErrorRate=0.01)["max_error_rate"].outcome is Outcome.PASS


@pytest.mark.parametrize(("status", "hint"), [(408, "request_timeout_ms"), (429, "WORKER_COUNT"), (424, "")])
def test_statuses_that_speak_for_themselves(azure: Azure, endpoint: ArmId, status: int, hint: str) -> None:
    since = requests(azure, {(NEW, status, 10): 20})
    advice = judged(azure, endpoint, since, maxErrorRate=0.0)["max_error_rate"].advice
    assert hint in advice
    assert bool(advice) is bool(hint)


def test_fewer_requests_than_wanted_hold_and_say_how_many(azure: Azure, endpoint: ArmId) -> None:
    since = requests(azure, {(NEW, 200, 10): 11, (NEW, 503, 1): 1, (OLD, 200, 10): 500})
    (verdict,) = judged(azure, endpoint, since, maxErrorRate=0.5, latencyP95Ms=1).values()
    assert (verdict.gate, verdict.outcome) == ("min_requests", Outcome.UNKNOWN)
    assert verdict.expected == "20 live requests at 10 % to judge by"
    assert verdict.seen.startswith("12 requests, 1 of them failed (503: 1) since ")
    assert judged(azure, endpoint, since, maxErrorRate=0.5, minRequests=12)["max_error_rate"].outcome is Outcome.PASS


def test_what_came_before_the_step_does_not_count(azure: Azure, endpoint: ArmId) -> None:
    since = requests(azure, {(NEW, 500, 10): 900}, {(NEW, 200, 10): 20})
    verdict = judged(azure, endpoint, since + timedelta(milliseconds=1), maxErrorRate=0.0)["max_error_rate"]
    assert verdict.seen.startswith("0.00% of 20 requests")


def test_figures_that_are_not_there_yet(azure: Azure, endpoint: ArmId) -> None:
    requests(azure, {(NEW, 500, 10): 900})
    gates = {"maxErrorRate": 0.0, "metrics": {"grain": "PT1M", "lag": "PT2M"}}
    (verdict,) = ask.figures(azure.work(), gates, endpoint, NEW, OLD, datetime.now(UTC), 10)
    assert (verdict.gate, verdict.outcome) == ("min_requests", Outcome.UNKNOWN)
    assert verdict.seen.startswith("no figures yet")


def test_percentiles_count_as_much_as_their_requests(azure: Azure, endpoint: ArmId) -> None:
    """30 requests of 100 ms and 10 of 500 ms: (30 × 100 + 10 × 500) / 40."""
    since = requests(azure, {(NEW, 200, 100): 30, (OLD, 200, 100): 40}, {(NEW, 200, 500): 10})
    found = judged(azure, endpoint, since, latencyP95Ms=190, maxP95Ratio=2.1)
    assert [verdict.outcome for verdict in found.values()] == [Outcome.FAIL, Outcome.PASS]
    seen = float(found["latency_p95_ms"].seen.split()[0])
    assert 200 / STEP < seen < 200 * STEP
    assert found["latency_p95_ms"].seen.endswith("over 40 live requests at 10 % (Azure Monitor)")
    assert judged(azure, endpoint, since, maxP95Ratio=1.9)["max_p95_ratio"].outcome is Outcome.FAIL


def test_a_live_release_without_enough_requests_is_nothing_to_compare_with(azure: Azure, endpoint: ArmId) -> None:
    since = requests(azure, {(NEW, 200, 100): 30, (OLD, 200, 100): 19})
    verdict = judged(azure, endpoint, since, maxP95Ratio=1.1)["max_p95_ratio"]
    assert (verdict.outcome, "19 requests" in verdict.seen) == (Outcome.UNKNOWN, True)
    assert judged(azure, endpoint, since, live=None, maxP95Ratio=1.1) == {}
    since = requests(azure, {(NEW, 200, 100): 30, (OLD, 200, 100): 20})
    assert judged(azure, endpoint, since, maxP95Ratio=1.1)["max_p95_ratio"].outcome is Outcome.PASS


def test_of_the_release_that_serves_callers_mistakes_are_no_requests_beside_copies_either(
    azure: Azure, endpoint: ArmId
) -> None:
    """Only copies are requests that the endpoint took."""
    since = requests(azure, {(NEW, 200, 10): 30}, copies=True)
    second = azure.plane.counted[0]
    live = {_key(OLD, 200, 10): 19, _key(OLD, 400, 10): 9}
    azure.plane.counted = [Second(second.at, live=live, mirror=second.mirror)]
    gates = {"metrics": FAST, "smoke": SMOKE, "maxP95Ratio": 2.0}
    (verdict,) = ask.copies(azure.work(), gates, endpoint, NEW, OLD, since, 20)
    assert (verdict.outcome, "it had 19 requests" in verdict.seen) == (Outcome.UNKNOWN, True)


def test_copies_are_read_at_the_deployment(azure: Azure, endpoint: ArmId) -> None:
    """A model that refuses copies of requests that the endpoint took has failed them, with whatever status."""
    since = requests(azure, {(NEW, 200, 10): 90, (NEW, 400, 10): 10}, copies=True)
    found = ask.copies(azure.work(), {"metrics": FAST, "maxErrorRate": 0.05}, endpoint, NEW, OLD, since, 20)
    assert [(verdict.gate, verdict.outcome) for verdict in found] == [("max_error_rate", Outcome.FAIL)]
    assert found[0].seen == "10.00% of 100 requests, 10 of them failed (400: 10)"
    assert found[0].expected == "at most 5.00% of copies of 20 % of the requests fail"
    assert judged(azure, endpoint, since, maxErrorRate=0.5)["min_requests"].outcome is Outcome.UNKNOWN


def test_figures_that_cannot_be_read_hold(azure: Azure, endpoint: ArmId, as_in_azure: None) -> None:
    verdict = judged(azure, endpoint, datetime.now(UTC) - timedelta(minutes=1), maxErrorRate=0.0)
    assert [(name, found.outcome) for name, found in verdict.items()] == [("metrics", Outcome.UNKNOWN)]
    assert "Invalid time grain" in verdict["metrics"].seen


def test_a_grain_that_azure_does_not_take_is_told_before_anything_is_live(
    azure: Azure, endpoint: ArmId, as_in_azure: None
) -> None:
    """Azure's own is a minute, and it answers 400 to less: a step would wait for figures that never come."""
    (verdict,) = ask.before_live(azure.work(), {"metrics": FAST, "maxErrorRate": 0.0}, endpoint, NEW, OLD)
    assert (verdict.gate, verdict.outcome, verdict.expected) == ("metrics", Outcome.UNKNOWN, "figures of PT1S")
    assert "Invalid time grain" in verdict.seen
    assert "gates.metrics.grain: PT1M" in verdict.advice
    minute = FAST | {"grain": "PT1M"}
    assert ask.before_live(azure.work(), {"metrics": minute, "maxErrorRate": 0.0}, endpoint, NEW, OLD) == []


def test_a_grain_that_is_taken_is_no_problem(azure: Azure, endpoint: ArmId) -> None:
    assert ask.before_live(azure.work(), {"metrics": FAST, "maxErrorRate": 0.0}, endpoint, NEW, OLD) == []


@given(
    st.sampled_from([1, 5, 10, 15, 30, 60, 120, 300, 3600]), st.integers(0, 600), st.floats(0, 7200), st.floats(0, 7200)
)
def test_a_window_has_whole_grains_that_are_old_enough(grain: int, lag: int, began: float, passed: float) -> None:
    metrics = MetricsSpec.from_args({"grain": f"PT{grain}S", "lag": f"PT{lag}S"})
    since = datetime.fromtimestamp(1_767_607_200 + began, UTC)
    now = since + timedelta(seconds=passed)
    found = window(metrics, since, now)
    if found is None:
        assert passed < 2 * grain + lag, "two grains hold a whole one"
        return
    begin, end = found
    assert since <= begin < since + timedelta(seconds=grain)
    assert now - timedelta(seconds=grain) < end + timedelta(seconds=lag) <= now
    assert begin.timestamp() % grain == end.timestamp() % grain == 0
    assert begin < end


def test_a_grain_that_begins_with_the_step_counts() -> None:
    minute = datetime(2026, 1, 5, 10, tzinfo=UTC)
    metrics = MetricsSpec.from_args({"grain": "PT1M", "lag": "PT0S"})
    assert window(metrics, minute, minute + timedelta(seconds=60)) == (minute, minute + timedelta(seconds=60))
    assert window(metrics, minute, minute + timedelta(seconds=59)) is None
    assert window(metrics, minute + timedelta(seconds=1), minute + timedelta(seconds=119)) is None


class Recorded:
    """Answers in the shape of the REST reference (Metrics - List 2023-10-01), with what was asked."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, str, dict[str, str]]]()

    def get(self, id_: str, version: str, query: dict[str, str]) -> dict[str, Any]:
        self.asked.append((id_, version, query))
        return self.answers.pop(0)


def reference(metric: str, *series: tuple[dict[str, str], dict[str, float | None]], code: str = "Success") -> Any:
    return {
        "cost": 598,
        "timespan": "2026-01-05T10:00:00Z/2026-01-05T10:02:00Z",
        "interval": "PT1M",
        "value": [
            {
                "id": f"/subscriptions/s/…/providers/Microsoft.Insights/metrics/{metric}",
                "type": "Microsoft.Insights/metrics",
                "name": {"value": metric, "localizedValue": metric},
                "unit": "Count",
                "timeseries": [
                    {
                        "metadatavalues": [
                            {"name": {"value": name, "localizedValue": name}, "value": value}
                            for name, value in dimensions.items()
                        ],
                        "data": [
                            {"timeStamp": at, **({} if average is None else {"average": average})}
                            for at, average in points.items()
                        ],
                    }
                    for dimensions, points in series
                ],
                "errorCode": code,
                "errorMessage": "of the service",
            }
        ],
    }


TWO_MINUTES = (datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 5, 10, 2, tzinfo=UTC))
ONE, TWO = "2026-01-05T10:00:00Z", "2026-01-05T10:01:00Z"
NO_LATENCY = "2026-01-05T10:02:00Z"
"""A minute whose requests were all without an answer."""


def test_what_azure_monitor_is_asked() -> None:
    """By every dimension, as an average over several of their values is no count; and for all series, not the ten."""
    counts = reference(
        "RequestsPerMinute",
        ({"deployment": NEW, "statusCode": "200", "modelStatusCode": "200"}, {ONE: 30.0, TWO: None}),
        ({"deployment": NEW, "statusCode": "424", "modelStatusCode": "500"}, {ONE: None, TWO: 6.0}),
        ({"deployment": NEW, "statusCode": "424", "modelStatusCode": "503"}, {ONE: None, TWO: 4.0}),
        ({"deployment": NEW, "statusCode": "unknown"}, {ONE: 1.0, NO_LATENCY: 500.0}),
        ({"deployment": NEW, "statusCode": "0"}, {ONE: 9.0}),  # of Envoy, where the client went before an answer
    )
    arm = Recorded(counts, reference("RequestLatency_P95", ({"deployment": NEW}, {ONE: 110.0, TWO: 410.0})))
    endpoint = ArmId.parse("/subscriptions/s/resourceGroups/g/providers/P/workspaces/w/onlineEndpoints/e")
    five = MetricsSpec.from_args({"grain": "PT5M"})
    found = azure_monitor.live(arm, endpoint, NEW, TWO_MINUTES, five)  # type: ignore[arg-type]
    assert (found.by_status, found.failures, found.requests, found.failed) == ({200: 30, 424: 10}, {424: 10}, 40, 10)
    assert found.p95_ms == pytest.approx((40 * 110 + 10 * 410) / 50)
    (first, second) = arm.asked
    assert first[:2] == (f"{endpoint.text}/providers/Microsoft.Insights/metrics", "2023-10-01")
    assert first[2] == {
        "metricnames": "RequestsPerMinute",
        "timespan": "2026-01-05T10:00:00Z/2026-01-05T10:02:00Z",
        "interval": "PT1M",
        "aggregation": "Average",
        "$filter": "deployment eq 'ridge-new' and statusCode eq '*' and statusCodeClass eq '*' "
        "and modelStatusCode eq '*'",
        "top": "1000",
    }
    assert (second[2]["metricnames"], second[2]["$filter"]) == ("RequestLatency_P95", "deployment eq 'ridge-new'")


def test_a_metric_that_could_not_be_read_is_no_zero() -> None:
    arm = Recorded(reference("RequestsPerMinute", code="InvalidSeries"))
    endpoint = ArmId.parse("/subscriptions/s/resourceGroups/g/providers/P/workspaces/w/onlineEndpoints/e")
    with pytest.raises(ArmError, match="InvalidSeries: of the service"):
        azure_monitor.live(arm, endpoint, NEW, TWO_MINUTES, MetricsSpec())  # type: ignore[arg-type]
