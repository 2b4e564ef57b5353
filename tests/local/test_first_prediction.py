"""The main job, as a person does it: up, up again, a new model, a bad model, destroy. On the real engine.

Expected numbers come from the model itself, loaded in plain Python in the environment it is served in; expected states
from what the commands promise. The tests of this file share one clone and build on each other, in order.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.clone import REQUEST, Clone

pytestmark = pytest.mark.engine

MODEL = Path("samples/diabetes/model/diabetes.joblib")
SCORE = Path("samples/diabetes/code/score.py")
PREDICT = """
import json, sys, joblib
print(json.dumps(joblib.load(sys.argv[1]).predict(json.load(open(sys.argv[2]))["data"]).tolist()))
"""
REFIT = """
import sys, joblib
model = joblib.load(sys.argv[1])
model.intercept_ += 1
joblib.dump(model, sys.argv[1])
"""


@pytest.fixture(scope="module")
def first(clone: Clone) -> subprocess.CompletedProcess[str]:
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def plain_python(clone: Clone, script: str, *arguments: object) -> str:
    """Run a script where the model's own libraries are, without any of azml."""
    command = [clone.scoring_python(), "-W", "ignore", "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=clone.root, capture_output=True, text=True, check=True).stdout


def expected(clone: Clone) -> list[float]:
    return list(json.loads(plain_python(clone, PREDICT, MODEL, REQUEST)))


def invoke(clone: Clone) -> list[float]:
    done = clone.azml("invoke", "diabetes", "--request", REQUEST)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def endpoint(clone: Clone) -> dict[str, Any]:
    """What ARM says of the endpoint, with its keys."""
    return {**clone.arm_get("onlineEndpoints/diabetes"), "keys": clone.arm_post("onlineEndpoints/diabetes/listKeys")}


def deployments(clone: Clone) -> list[str]:
    return [item["name"] for item in clone.arm_get("onlineEndpoints/diabetes/deployments")["value"]]


def versions(clone: Clone) -> list[str]:
    return [item["name"] for item in clone.arm_get("models/diabetes/versions")["value"]]


def test_up_prints_what_the_model_says(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    numbers = expected(clone)
    assert len(numbers) == 2
    answer = clone.root / "samples/diabetes/sample-answer.json"
    assert json.loads(answer.read_text()) == numbers, "the answer that releases are held to"
    for number in numbers:
        assert str(number) in first.stdout
        assert str(number) in (clone.root / "README.md").read_text(), "README shows what is printed"
    assert endpoint(clone)["properties"]["scoringUri"] in first.stdout
    assert len(re.findall(r"^  .*azml (?:invoke|logs|local) .+", first.stdout, re.MULTILINE)) == 3


def test_the_next_commands_work(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    for line in re.findall(r"^  \S*azml (.+)", first.stdout, re.MULTILINE):
        done = clone.azml(*line.split())
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_up_leaves_the_clone_clean(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    assert clone.git("status", "--porcelain") == ""


def test_only_loopback_is_listened_on(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    main = psutil.Process(clone.server["pid"])
    listening = [
        connection.laddr
        for process in (main, *main.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3, "ARM, the gateway and the scoring server"
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_no_secret_in_clear(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    keys = endpoint(clone)["keys"]
    secrets = [keys["primaryKey"], keys["secondaryKey"], clone.server["client_secret"]]
    places = [first.stdout, first.stderr, clone.azml("logs", "diabetes", "ridge").stdout]
    for folder in ("state", "pulumi", "local/logs"):
        places += [p.read_text(errors="replace") for p in (clone.root / ".azml" / folder).rglob("*") if p.is_file()]
    insights = clone.arm_of("azure-native:applicationinsights:Component", "2020-02-02")["properties"]
    secrets += [insights["ConnectionString"], insights["InstrumentationKey"]]
    assert (clone.root / ".azml").stat().st_mode & 0o077 == 0
    for secret in secrets:
        assert len(secret) >= 20
        assert not [text for text in places if secret in text]


def test_again_there_is_nothing_to_do(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    again = clone.up()
    assert again.returncode == 0
    assert re.search(r"\d+ unchanged", again.stdout)
    assert not re.search(r"\d+ (created|updated|deleted|replaced)", again.stdout)


def test_a_changed_model_is_one_new_release(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    before, old_deployments, old_versions = endpoint(clone), deployments(clone), versions(clone)
    old_answer = invoke(clone)
    plain_python(clone, REFIT, MODEL)
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    after = endpoint(clone)
    assert invoke(clone) == expected(clone) == pytest.approx([number + 1 for number in old_answer])
    assert len(set(versions(clone)) - set(old_versions)) == 1
    (release,) = deployments(clone)
    assert release not in old_deployments
    assert after["properties"]["traffic"] == {release: 100}
    assert after["properties"]["scoringUri"] == before["properties"]["scoringUri"]
    assert after["keys"] == before["keys"]


def test_a_model_that_fails_to_start_takes_nothing_down(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    before, serving = invoke(clone), deployments(clone)
    good = (clone.root / SCORE).read_text()
    (clone.root / SCORE).write_text(good.replace("    global model\n", "    raise RuntimeError('no such weights')\n"))
    done = clone.up()
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "RuntimeError: no such weights" in said, "the container's last log lines"
    assert "init()" in said, "the likely cause"
    assert invoke(clone) == before
    assert endpoint(clone)["properties"]["traffic"] == {serving[0]: 100}

    (clone.root / SCORE).write_text(good)
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployments(clone) == serving, "the failed release is gone, the old one was never touched"


def test_a_size_and_count_change(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    """Another count scales the release in place."""
    file = clone.root / "samples/diabetes/deployment.yml"
    serving = deployments(clone)
    file.write_text(file.read_text().replace("instance_count: 1", "instance_count: 2"))
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployments(clone) == serving
    assert clone.arm_get(f"onlineEndpoints/diabetes/deployments/{serving[0]}")["sku"]["capacity"] == 2


def test_destroy_from_a_failed_state_ends_empty(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    good = (clone.root / SCORE).read_text()
    (clone.root / SCORE).write_text("import not_there\n" + good)
    assert clone.up().returncode != 0
    (clone.root / SCORE).write_text(good)
    done = clone.destroy()
    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.state == []
    status = json.loads(clone.azml("local", "status", "--json").stdout)
    assert status["endpoints"] == []


def test_up_after_destroy(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert invoke(clone) == expected(clone)


def test_a_local_azure_that_died_is_said_and_comes_back(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    before, keys = invoke(clone), endpoint(clone)["keys"]
    psutil.Process(clone.server["pid"]).kill()
    done = clone.azml("invoke", "diabetes", "--request", REQUEST)
    assert done.returncode == 1
    assert "does not run" in done.stderr
    assert clone.azml("local", "start").returncode == 0
    assert endpoint(clone)["keys"] == keys
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ unchanged", done.stdout)
    assert invoke(clone) == before


def test_up_after_reset(clone: Clone, first: subprocess.CompletedProcess[str]) -> None:
    """A reset forgets on both sides, so that the next update starts from nothing."""
    assert clone.azml("local", "reset", "--yes").returncode == 0
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert invoke(clone) == expected(clone)
