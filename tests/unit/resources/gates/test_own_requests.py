"""Gates that own requests answer, against real servers behind the real gateway."""

import re
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.gates import ask, latency
from azml.resources.gates.verdict import Outcome
from azml.resources.handler import ML
from tests.unit.resources.gates.conftest import NEW, OLD, Releases, outcomes, serving

PASS, FAIL, UNKNOWN, UNREACHABLE = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.UNREACHABLE

NOBODY = "http://127.0.0.1:1/score"


def test_no_gates_ask_nothing(releases: Releases) -> None:
    assert releases.asked({}) == []
    assert releases.new.asked == []


def test_smoke_asks_the_newcomer_past_the_split(releases: Releases) -> None:
    assert outcomes(releases.asked({"smoke": [releases.file({"data": [[1]]})]})) == {"smoke[0]": PASS}
    assert (releases.new.asked, releases.old.asked) == ([{"data": [[1]]}], [])


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (
            (500, {"message": "An unexpected error occurred in scoring script."}),
            "424 (the model itself: 500): An unexp",
        ),
        ((400, {"message": "no features"}), "424 (the model itself: 400): no features"),
        ((201, {}), "424 (the model itself: 201): {}"),
    ],
)
def test_smoke_wants_200(releases: Releases, answer: tuple[int, Any], seen: str) -> None:
    releases.new.answer = lambda _body: answer
    verdict = releases.verdict({"smoke": [releases.file({})]})
    assert (verdict.gate, verdict.deployment, verdict.outcome) == ("smoke[0]", NEW, FAIL)
    assert verdict.expected == "200 for request.json"
    assert verdict.seen.startswith(seen)


def test_a_model_that_is_too_slow_for_its_settings(releases: Releases) -> None:
    releases.limit(NEW, request_timeout_s=0.1)
    releases.new.seconds = lambda _number: 1
    verdict = releases.verdict({"smoke": [releases.file({})]})
    assert (verdict.outcome, verdict.seen[:3]) == (FAIL, "408")
    assert "request_timeout_ms" in verdict.advice


def test_all_problems_at_once(releases: Releases) -> None:
    releases.new.answer = lambda body: (500, {}) if body == "bad" else (200, [1.0, 3.0])
    gates = {
        "smoke": [releases.file('"bad"', "bad.json"), releases.file([1], "good.json")],
        "golden": [{"request": releases.file([1], "good.json"), "expected": releases.file([1.0, 2.0], "answer.json")}],
    }
    assert outcomes(releases.asked(gates)) == {"smoke[0]": FAIL, "smoke[1]": PASS, "golden[0]": FAIL}
    assert len(releases.new.asked) == 2, "a request that two gates want is sent once"


@pytest.mark.parametrize(
    ("answer", "tolerance", "outcome"),
    [
        ([1.0, 2.0], 1e-6, PASS),
        ([1.0, 2.0000001], 1e-6, PASS),
        ([1.0, 2.1], 1e-6, FAIL),
        ([1.0, 2.1], 0.1, PASS),
        ([1.0], 1e-6, FAIL),
        (b"not JSON", 1e-6, FAIL),
    ],
)
def test_golden_compares_with_tolerance(releases: Releases, answer: Any, tolerance: float, outcome: Outcome) -> None:
    releases.new.answer = lambda _body: (200, answer)
    golden = {"request": releases.file({}), "expected": releases.file([1, 2], "answer.json"), "tolerance": tolerance}
    assert releases.verdict({"golden": [golden]}).outcome is outcome


@pytest.mark.parametrize(
    ("answer", "form"),
    [([2, 3], "same"), ({"scores": [1, 2]}, "other"), ([1], "other"), (["1", "2"], "other"), (b"1, 2", "other")],
)
def test_golden_tells_wrong_numbers_from_another_form(releases: Releases, answer: Any, form: str) -> None:
    """What is to be done differs: another model, or callers who cannot read the answer."""
    releases.new.answer = lambda _body: (200, answer)
    golden = {"request": releases.file({}), "expected": releases.file([1.0, 2.0], "answer.json")}
    advice = releases.verdict({"golden": [golden]}).advice
    assert ("another form" in advice, "model version" in advice) == (form == "other", form == "same")


def test_golden_shows_the_first_differences_and_counts_all(releases: Releases) -> None:
    releases.new.answer = lambda _body: (200, {"scores": [0.5] * 9})
    expected = releases.file({"scores": [0.5, *[0.25] * 8]}, "answer.json")
    verdict = releases.verdict({"golden": [{"request": releases.file({}), "expected": expected}]})
    assert verdict.expected == "the answer in answer.json to request.json, numbers within 1e-06"
    assert verdict.seen == "8 differences"
    assert verdict.detail.splitlines()[0] == "$.scores[1]: expected 0.25, seen 0.5"
    assert verdict.detail.splitlines()[5:] == ["and 3 more"]
    assert "model version" in verdict.advice


def test_one_connection_serves_all_requests(releases: Releases) -> None:
    """What is measured is the release, and not how long it takes to connect."""
    with serving(releases.new) as address:
        there = releases.elsewhere(f"http://{address}/score")
        there.asked({"smoke": [releases.file({})], "latencyP95Ms": 60_000})
    assert (releases.new.connections, len(releases.new.asked)) == (1, 1 + latency.WARM_UP + latency.COUNT)


def test_p95_is_the_nearest_rank_of_what_is_counted(releases: Releases) -> None:
    """Of 40 two are slow, and one that warms up: the 38th is not."""
    releases.new.seconds = lambda number: 0.4 if number - 1 in {2, 10, 20} else 0.0
    verdict = _latency(releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 350}))
    assert verdict.outcome is PASS, verdict
    assert len(releases.new.asked) == 1 + latency.WARM_UP + latency.COUNT


def test_a_release_that_is_too_slow_fails_when_it_is_so_twice(releases: Releases) -> None:
    releases.new.seconds = lambda _number: 0.03
    verdict = _latency(releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 20}))
    assert verdict.outcome is FAIL
    assert verdict.expected == "95 % of the requests within 20 ms"
    assert verdict.seen.endswith("over 40 requests from here")
    assert "instance_type" in verdict.advice
    assert len(releases.new.asked) == 1 + 2 * (latency.WARM_UP + latency.COUNT)


def test_a_busy_moment_is_no_failure(releases: Releases) -> None:
    releases.new.seconds = lambda number: 0.4 if 5 < number < 9 else 0.0
    assert _latency(releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 350})).outcome is PASS


def test_the_ratio_is_measured_in_turns(releases: Releases) -> None:
    releases.new.seconds = lambda _number: 0.01
    verdict = _latency(releases.asked({"smoke": [releases.file({})], "maxP95Ratio": 0.1}))
    assert (verdict.gate, verdict.outcome) == ("max_p95_ratio", FAIL)
    assert verdict.expected == "at most 0.1 times as slow as the live release"
    ratio, new, old = (float(text) for text in re.findall(r"([\d.]+) (?:times|ms)", verdict.seen))
    assert abs(ratio - new / old) < 0.1 * ratio
    turns = sorted([(at, NEW) for at in releases.new.at[1:]] + [(at, OLD) for at in releases.old.at])
    pairs = [{one[1], other[1]} for one, other in zip(turns[::2], turns[1::2], strict=True)]
    assert all(pair == {NEW, OLD} for pair in pairs)


def test_a_ratio_within_the_limit(releases: Releases) -> None:
    assert _latency(releases.asked({"smoke": [releases.file({})], "maxP95Ratio": 100})).outcome is PASS


def test_a_measurement_ends_with_the_time_of_its_run(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "LEAST_SECONDS", 0.5)
    releases.new.seconds = lambda _number: 0.1
    gates = {"smoke": [releases.file({})], "latencyP95Ms": 50, "maxP95Ratio": 1.0}
    work, id_ = releases.azure.work(), releases.endpoint
    found = ask.before_live(work, gates, id_, NEW, OLD, time.monotonic())
    assert [verdict.outcome for verdict in found] == [PASS, Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert found[1].seen.endswith("of 40 requests when max_up_time was over")
    assert len(releases.new.asked) < latency.COUNT / 2
    monkeypatch.undo()
    releases.new.seconds = lambda _number: 0.0
    found = ask.before_live(work, gates, id_, NEW, OLD, time.monotonic())
    assert Outcome.UNKNOWN not in [verdict.outcome for verdict in found], "a short run learns something all the same"


def test_the_first_release_of_all_has_none_to_match(releases: Releases) -> None:
    assert outcomes(releases.asked({"smoke": [releases.file({})], "maxP95Ratio": 1.1}, live=None)) == {"smoke[0]": PASS}


def test_a_live_release_that_fails_is_nothing_to_compare_with(releases: Releases) -> None:
    releases.old.answer = lambda _body: (500, {})
    found = releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 60_000, "maxP95Ratio": 1.1})
    assert outcomes(found) == {"smoke[0]": PASS, "latency_p95_ms": PASS, "max_p95_ratio": UNKNOWN}


def test_a_newcomer_that_fails_while_it_is_measured(releases: Releases) -> None:
    releases.new.answer = lambda _body: (200, 1) if len(releases.new.asked) < 9 else (500, {"message": "leaking"})
    found = releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 60_000, "maxP95Ratio": 9})
    assert outcomes(found) == {"smoke[0]": PASS, "latency_p95_ms": FAIL, "max_p95_ratio": FAIL}
    assert "leaking" in found[1].seen


def test_busy_is_asked_again(releases: Releases) -> None:
    """A live release with every slot taken answers 429; the next moment it does not."""
    releases.limit(NEW, max_concurrent=1, max_queue_wait_s=0)
    releases.new.seconds = lambda number: 0.4 if number <= 2 else 0.0
    others = [threading.Thread(target=releases.gateway.call, kwargs=_call(releases)) for _ in range(2)]
    for other in others:
        other.start()
    while len(releases.new.asked) < 1:
        pass
    assert releases.verdict({"smoke": [releases.file({})]}).outcome is PASS
    for other in others:
        other.join()


def test_nobody_listens(releases: Releases) -> None:
    gates = {"smoke": [releases.file({}), releases.file({})], "latencyP95Ms": 10}
    verdict = releases.elsewhere(NOBODY).verdict(gates)
    assert (verdict.gate, verdict.outcome) == ("smoke[0]", UNREACHABLE), "the others would only say the same"
    assert "refused" in verdict.seen
    assert "says nothing about the model" in verdict.advice


def test_a_private_endpoint_says_so(releases: Releases) -> None:
    there = releases.elsewhere(NOBODY)
    found = there.azure.arm.get(there.endpoint.text, ML)
    closed = {**found, "properties": {**found["properties"], "publicNetworkAccess": "Disabled"}}
    there.azure.arm.put(there.endpoint.text, ML, closed, there.azure.work())
    assert "public_network_access: disabled" in there.verdict({"smoke": [releases.file({})]}).advice


def test_a_name_that_nobody_knows(releases: Releases) -> None:
    verdict = releases.elsewhere("https://churn.eastus.invalid/score").verdict({"smoke": [releases.file({})]})
    assert (verdict.outcome, "churn.eastus.invalid" in verdict.seen) == (UNREACHABLE, True)


def test_who_is_not_let_in_learns_nothing_of_the_model(releases: Releases) -> None:
    releases.gateway.reload(auth={"mode": "key", "keys": ["another"]})
    verdict = releases.verdict({"smoke": [releases.file({})]})
    assert (verdict.outcome, verdict.seen[:3]) == (UNREACHABLE, "401")
    assert "AzureML Data Scientist" in verdict.advice


def test_an_endpoint_that_is_gone_is_no_verdict(releases: Releases) -> None:
    gone = replace(releases, endpoint=releases.endpoint.parent.child("onlineEndpoints", "ep-gone"))
    with pytest.raises(ArmError, match="ResourceNotFound"):
        gone.asked({"smoke": [releases.file({})]})


def test_ctrl_c_ends_it(releases: Releases) -> None:
    def answer(_body: Any) -> tuple[int, Any]:
        releases.azure.cancelled.set()
        return 200, 1

    releases.new.answer = answer
    with pytest.raises(Interrupted):
        releases.asked({"smoke": [releases.file({})], "latencyP95Ms": 60_000})
    assert len(releases.new.asked) == 1


def test_files_that_cannot_be_judged_by(releases: Releases) -> None:
    gates = {"smoke": [str(releases.folder / "gone.json")], "golden": [{"request": releases.file("{", "half.json")}]}
    with pytest.raises(Refused) as refused:
        releases.asked(gates)
    text = str(refused.value)
    assert "gone.json" in text
    assert "expected" in text


def _latency(verdicts: list[Any]) -> Any:
    return verdicts[-1]


def _call(releases: Releases) -> dict[str, Any]:
    keys = releases.gateway.config["auth"]["keys"]
    return {"key": keys[0], "body": {}, "headers": {"azureml-model-deployment": NEW}}
