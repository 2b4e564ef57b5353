"""The lines of a log that explain a failure, from logs that real servers wrote."""

import subprocess
import sys
from pathlib import Path

from azml.resources.diagnosis import likely_cause
from azml.resources.gates.log_lines import explaining, suspicious

RUN_FAILS = (Path(__file__).parent / "recorded" / "run-fails.log").read_text()
"""azureml-inference-server-http 1.5.1, after a request without a field that run() reads."""
WORKER_EXITS = (Path(__file__).parent / "recorded" / "worker-exits.log").read_text()


def test_what_run_raised_with_its_own_frames() -> None:
    assert explaining(RUN_FAILS) == [
        '  File "/var/azureml-app/code/score.py", line 14, in run',
        "    return [predict(row) for row in rows]",
        '  File "/var/azureml-app/code/score.py", line 14, in <listcomp>',
        "    return [predict(row) for row in rows]",
        '  File "/var/azureml-app/code/score.py", line 9, in predict',
        '    return row["age"] / row["visits"]',
        "KeyError: 'visits'",
    ]
    assert "looks for 'visits'" in (likely_cause("\n".join(explaining(RUN_FAILS))) or "")


def test_the_last_failure_counts() -> None:
    again = RUN_FAILS.replace("KeyError: 'visits'", "ZeroDivisionError: division by zero")
    assert explaining(RUN_FAILS + again)[-1] == "ZeroDivisionError: division by zero"
    assert "KeyError" not in "\n".join(explaining(RUN_FAILS + again))


def test_a_log_of_answered_requests_explains_nothing() -> None:
    assert explaining("\n".join(line for line in RUN_FAILS.splitlines()[:38])) == []
    assert explaining("") == []


def test_who_was_killed() -> None:
    """gunicorn's words (27.0.1, arbiter)."""
    killed = "2026-11-21 12:45:00,136 E [1] gunicorn.error - Worker (pid:1550) was sent SIGKILL! Perhaps out of memory?"
    assert explaining(f"{RUN_FAILS.splitlines()[0]}\n{killed}\n") == [killed]
    assert "too little memory" in (likely_cause(killed) or "")


def test_an_exception_in_a_library_and_of_several_lines() -> None:
    """Where no frame is one's own, the last one says where; the message goes on as long as it does."""
    code = "import json\ntry: json.loads('x')\nexcept ValueError as e: raise ValueError('first\\nsecond') from e"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    lines = explaining(f"2026-11-21 12:45:00,101 E [1] azmlinfsrv - x\n{said}\n2026-11-21 12:45:00,102 I [1] next")
    assert "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)" in lines[-1]
    plain = subprocess.run(
        [sys.executable, "-c", "raise ValueError('first\\nsecond')"], capture_output=True, text=True, check=False
    ).stderr
    assert explaining(f"{plain}\n2026-11-21 12:45:00,102 I [1] next")[-2:] == ["ValueError: first", "second"]


def test_versions_that_do_not_fit() -> None:
    """scikit-learn's warning says why numbers differ, without any exception."""
    warning = (
        "InconsistentVersionWarning: Trying to unpickle estimator Ridge from version 1.3.0 when using version 1.5.2."
    )
    log = f"starting\n/envs/e/sklearn/base.py:380: {warning}\nready"
    assert suspicious(log) == [f"/envs/e/sklearn/base.py:380: {warning}"]
    assert suspicious(RUN_FAILS) == explaining(log) == []


def test_a_worker_that_ends_by_itself_and_not_what_the_server_says_of_its_own() -> None:
    """azureml-inference-server-http 1.5.1 whose run() calls os._exit(1); it starts with a traceback of its own."""
    found = explaining(WORKER_EXITS)
    assert [line.split(" - ")[1] for line in found] == [
        "Worker (pid:5730) exited with code 1.",
        "Worker (pid:5854) exited with code 1.",
    ]
    assert "os._exit()" in (likely_cause("\n".join(found)) or "")
    assert "os._exit()" in (likely_cause(WORKER_EXITS) or "")
    started = WORKER_EXITS[: WORKER_EXITS.index("Users's init has completed")]
    assert explaining(started) == []
    assert "text where the model wants numbers" not in (likely_cause(started) or "")
