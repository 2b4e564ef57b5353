"""`azml rollout`, typed while an `up` is at work elsewhere: it notices, and who answers is what the person said.

The tests of this file build on each other, in order.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.clone import ROOT, Clone

pytestmark = pytest.mark.engine

RELEASE = """
        rollout:
          steps: [10, 100]
          bake_time: PT1H
encryptionsalt"""


@pytest.fixture(scope="module")
def served(clone: Clone) -> dict[str, int]:
    """A first release; from now on the next one stays for an hour at 10 %."""
    stack = clone.root / "stacks" / "Pulumi.local.yaml"
    stack.write_text(stack.read_text().replace("\nencryptionsalt", RELEASE))
    done = clone.azml("up", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    script = clone.root / "samples/diabetes/code/score.py"
    script.write_text(script.read_text().replace("tolist()", "round(3).tolist()"))
    return traffic(clone)


def traffic(clone: Clone) -> dict[str, int]:
    shares = clone.arm_get("onlineEndpoints/diabetes")["properties"]["traffic"]
    return {name: share for name, share in shares.items() if share}


@contextmanager
def up_at_ten_percent(clone: Clone) -> Iterator["subprocess.Popen[str]"]:
    """An `up` at work that has brought the new release to 10 %."""
    command = [ROOT / ".venv" / "bin" / "azml", "up", "--local"]
    with subprocess.Popen(
        command, cwd=clone.root, env=clone.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        next(line for line in run.stdout if "diabetes-rollout updating" in line)
        while run.poll() is None and status(clone)["status"] != "running":
            time.sleep(0.2)
        yield run


def status(clone: Clone) -> dict[str, Any]:
    """What is remembered, in the endpoint's own tags: asking the command each time takes a process."""
    tags = clone.arm_get("onlineEndpoints/diabetes")["tags"]
    return dict(json.loads(tags.get("azml-progress", '{"status": null}')))


def test_pause(clone: Clone, served: dict[str, int]) -> None:
    (old,) = served
    with up_at_ten_percent(clone) as run:
        done = clone.azml("rollout", "pause")
        said, _ = run.communicate()
    assert (done.returncode, run.returncode) == (0, 0), done.stderr + said
    assert done.stdout.startswith("diabetes: paused at step 1 of 2, 10 %, since ")
    assert "is paused: its traffic stays as it is" in said
    now = traffic(clone)
    assert now.pop(old) == 90
    assert list(now.values()) == [10]


def test_status_while_it_is_paused(clone: Clone, served: dict[str, int]) -> None:
    done = clone.azml("rollout", "status", "diabetes", "--json")
    (told,) = json.loads(done.stdout)
    assert done.returncode == 4
    assert (told["status"], told["step"], told["before"]["traffic"]) == ("paused", 10, served)
    assert {row["about"] for row in told["deployments"]} == {"new", "served 100 % before"}


def test_abort_while_an_up_goes_on(clone: Clone, served: dict[str, int]) -> None:
    assert clone.azml("rollout", "resume").returncode == 0
    with up_at_ten_percent(clone) as run:
        done = clone.azml("rollout", "abort", "diabetes")
        assert traffic(clone) == served
        said, _ = run.communicate()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("diabetes: aborted, and as it was before\n")
    assert run.returncode != 0
    assert "was aborted. Its traffic is as before" in said


def test_up_of_the_same_program_leaves_it_aborted(clone: Clone, served: dict[str, int]) -> None:
    done = clone.azml("up", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is aborted: its traffic stays as it is" in done.stdout
    assert traffic(clone) == served
    assert clone.azml("rollout", "status").returncode == 5


def test_nothing_is_on_its_way(clone: Clone, served: dict[str, int]) -> None:
    resumed = clone.azml("rollout", "resume")
    assert resumed.stdout.startswith("diabetes: no release is on its way")
    assert clone.azml("rollout", "status").returncode == 0
    for word in ("pause", "resume", "abort"):
        done = clone.azml("rollout", word)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("No rollout is on its way on diabetes: its traffic is ridge-")
    assert traffic(clone) == served


def test_an_endpoint_that_is_not_there(clone: Clone, served: dict[str, int]) -> None:
    done = clone.azml("rollout", "abort", "churn")
    assert done.returncode == 1
    assert done.stderr == "There is no endpoint churn in workspace mlw-diabetes-local.\nIt has: diabetes\n"
