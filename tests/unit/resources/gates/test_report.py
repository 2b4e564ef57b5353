"""The report that a failed rollout ends with."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from azml.resources.arm_id import ArmId
from azml.resources.gates import ask
from azml.resources.gates.verdict import Outcome, Verdict
from azml_gateway.counts import Second, step
from tests.unit.resources.conftest import Azure
from tests.unit.resources.gates.conftest import NEW, Releases

RUN_FAILS = (Path(__file__).parent / "recorded" / "run-fails.log").read_text()


@pytest.fixture
def log(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the container wrote."""
    lines = [RUN_FAILS]
    monkeypatch.setattr(azure.plane, "logs", lambda _deployment, _container, _tail: lines[0])
    return lines


@pytest.fixture
def endpoint(azure: Azure) -> ArmId:
    made = azure.endpoint()
    azure.deployment(made, NEW)
    return ArmId.parse(made)


def test_what_failed_in_the_grain_in_which_it_began_is_counted(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    """The gates leave that grain out, as requests from before the step are in it; somebody was failed all the same."""
    began = int(time.time()) // 5 * 5 - 20
    azure.plane.counted = [Second(began + 1, live={(NEW, 424, 500, step(0.01)): 3})]
    since = datetime.fromtimestamp(began + 0.5, UTC)
    gates = {"metrics": {"grain": "PT5S", "lag": "PT0S"}}
    text = ask.report(azure.work(), gates, endpoint, NEW, [fails()], since)
    azure.plane.counted = []
    assert "3 requests, 3 of them failed (424: 3)" in text


def fails(**changes: Any) -> Verdict:
    given = {"gate": "smoke[0]", "deployment": NEW, "expected": "200 for a.json", "seen": "424 (the model itself: 500)"}
    return Verdict(**{"outcome": Outcome.FAIL, **given, **changes})


def test_a_run_that_raises(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    passed = Verdict("smoke[1]", NEW, Outcome.PASS, "200 for b.json", "200")
    text = ask.report(azure.work(), {}, endpoint, NEW, [fails(), passed])
    assert text == (
        "Gate smoke[0] failed\n"
        "  expected: 200 for a.json\n"
        "  seen:     424 (the model itself: 500)\n"
        "\n"
        f"From the log of {NEW}:\n"
        '    File "/var/azureml-app/code/score.py", line 14, in run\n'
        "      return [predict(row) for row in rows]\n"
        '    File "/var/azureml-app/code/score.py", line 14, in <listcomp>\n'
        "      return [predict(row) for row in rows]\n"
        '    File "/var/azureml-app/code/score.py", line 9, in predict\n'
        '      return row["age"] / row["visits"]\n'
        "  KeyError: 'visits'\n"
        "\n"
        "Likely cause: The scoring script looks for 'visits', which is not in what it was given: the request has "
        "another form than run() expects, or the model was trained with other columns."
    )


def test_the_models_own_words_are_a_cause_too(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    """A decorated run() is not called without what it wants; the server says so in its answer, not in its log."""
    log[0] = ""
    seen = "424 (the model itself: 400): A value is not provided for the 'data' parameter."
    text = ask.report(azure.work(), {}, endpoint, NEW, [fails(seen=seen)])
    assert "Likely cause: run() wants 'data'" in text


def test_wrong_numbers_need_no_old_traceback(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    """The log holds a failure of an earlier request: that is not why numbers differ."""
    verdict = fails(gate="golden[0]", seen="1 difference", detail="$[0]: expected 1, seen 2", advice="Another model.")
    text = ask.report(azure.work(), {}, endpoint, NEW, [verdict])
    assert "            $[0]: expected 1, seen 2" in text
    assert "KeyError" not in text
    assert text.endswith("Likely cause: Another model.")


def test_libraries_of_other_versions_are_named_with_wrong_numbers(
    azure: Azure, endpoint: ArmId, log: list[str]
) -> None:
    log[0] = f"{RUN_FAILS}\nInconsistentVersionWarning: Trying to unpickle estimator Ridge from version 1.3.0\n"
    text = ask.report(azure.work(), {}, endpoint, NEW, [fails(gate="golden[0]", advice="Another model.")])
    assert "  InconsistentVersionWarning: Trying to unpickle" in text
    assert "Likely cause: The model was saved with other versions of its libraries" in text
    assert "KeyError" not in text


def test_live_requests_that_failed_are_counted(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    """Also those of the grain in which its first share began."""
    now = int(time.time()) - 10
    azure.plane.counted = [
        Second(now, live={(NEW, 503, 0, step(0.001)): 3}),
        Second(now + 2, live={(NEW, 200, 200, 9): 7}),
    ]
    gates = {"metrics": {"grain": "PT1S", "lag": "PT0S"}}
    since = datetime.fromtimestamp(now + 0.5, UTC)
    text = ask.report(azure.work(), gates, endpoint, NEW, [fails(gate="max_error_rate")], since)
    azure.plane.counted = []
    assert "Live requests to it, as far as Azure Monitor knows by now: 10 requests, 3 of them failed (503: 3)." in text


def test_a_failure_that_nothing_explains(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    log[0] = "all is well"
    text = ask.report(azure.work(), {}, endpoint, NEW, [fails()])
    assert text.endswith(f"Likely cause: not known. All of its log: azml logs {endpoint.name} {NEW}")


def test_one_cause_is_said_once(azure: Azure, endpoint: ArmId, log: list[str]) -> None:
    text = ask.report(azure.work(), {}, endpoint, NEW, [fails(), fails(gate="golden[0]")])
    assert text.count("Likely cause") == 1
    assert text.index("Gate smoke[0] failed") < text.index("Gate golden[0] failed")


def test_what_is_not_reached_blames_no_model(releases: Releases) -> None:
    gates = {"smoke": [releases.file({})]}
    there = releases.elsewhere("http://127.0.0.1:1/score")
    text = ask.report(there.azure.work(), gates, there.endpoint, NEW, there.asked(gates))
    assert text.startswith("Gate smoke[0] could not be asked from here\n")
    assert "Likely cause" not in text
    assert "From the log" not in text
    assert "What to do: " in text
