"""What `azml rollout status` shows, for every way that a rollout can stand."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from azml.resources.arm_id import ArmId
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.rollout_control import Standing
from azml.resources.rollout_memory import Maps, Memory, Progress, Status
from azml.spec import OnlineEndpointSpec
from azml_cli.rollout_view import Commands, View, bar

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
ENDPOINT = ArmId.parse(
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/churn"
)
HERE = Commands("azml up --local", "azml", None)
OLD, NEW = {"old": 100}, {"old": 90, "new": 10}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def spec(**rollout: Any) -> OnlineEndpointSpec:
    return OnlineEndpointSpec.from_args({"name": "churn", "rollout": rollout})


STEPS = spec(steps=[10, 50, 100], bake_time="PT10M")


def view(
    live: Maps,
    memory: Memory,
    *names: str,
    of: OnlineEndpointSpec | None = STEPS,
    gates: tuple[Verdict, ...] = (),
    commands: Commands = HERE,
    **odd: str,
) -> View:
    states = {**dict.fromkeys(names, "Succeeded"), **odd}
    return View.of(Standing(ENDPOINT, live, memory), states, of, gates, NOON, commands)


def on_its_way(status: Status = "running", step: int = 10, since: float = NOON - 240) -> Memory:
    return Memory("r", progress=Progress("f", Maps(OLD), step, since, status))


def picture(shown: View) -> list[str]:
    return [text for text, _ in shown.lines()]


def test_nothing_on_its_way() -> None:
    memory = Memory("r", retired=("older",), given_up=("bad",), previous={"last": int(NOON) + 7200})
    shown = view(Maps({"new": 100}), memory, "new", "last", "older", "spare", "bad", broken="Failed")
    assert picture(shown) == [
        "churn: no release is on its way",
        f"  new     {'█' * 20} 100 %  serves",
        f"  last    {'░' * 20}   0 %  kept ready until 2026-03-01 14:00:00, 2 h more",
        f"  bad     {'░' * 20}   0 %  given up: stays, with its log, until the next release",
        f"  broken  {'░' * 20}   0 %  Failed",
        f"  older   {'░' * 20}   0 %  the next `up` deletes it",
        f"  spare   {'░' * 20}   0 %  no requests",
    ]
    assert (shown.status, shown.wire()["next"]) == (None, [])


def test_a_step_that_is_watched() -> None:
    assert picture(view(Maps(NEW), on_its_way(), "old", "new")) == [
        "churn: step 1 of 3, 10 %, since 2026-03-01 11:56:00, 4 min ago, watched for 6 min more",
        f"  old  {'█' * 18}░░  90 %  served 100 % before",
        f"  new  ██{'░' * 18}  10 %  new",
        "  `azml up --local` goes on, if none is at work",
        "  `azml rollout abort churn` puts back old 100 %",
    ]


def test_figures_of_the_step() -> None:
    few = Verdict("min_requests", "new", Outcome.UNKNOWN, "20 live requests at 10 % to judge by", "7 requests")
    shown = view(Maps(NEW), on_its_way(), "old", "new", gates=(few,))
    assert picture(shown)[3] == "  min_requests: 7 requests (unknown: 20 live requests at 10 % to judge by)"
    assert shown.wire()["gates"] == [
        {
            "gate": "min_requests",
            "deployment": "new",
            "outcome": "unknown",
            "expected": "20 live requests at 10 % to judge by",
            "seen": "7 requests",
        }
    ]


def test_a_step_whose_time_is_over() -> None:
    head = picture(view(Maps(NEW), on_its_way(since=NOON - 3600), "old", "new"))[0]
    assert head == "churn: step 1 of 3, 10 %, since 2026-03-01 11:00:00, 60 min ago, to judge since 2026-03-01 11:10:00"


def test_paused_on_azure() -> None:
    away = Commands("pulumi up -s prod", "azml", "prod")
    head, _, _, *then = picture(view(Maps(NEW), on_its_way("paused"), "old", "new", commands=away))
    assert head.startswith("churn: paused at step 1 of 3, 10 %, since")
    assert then == [
        "  `pulumi up -s prod` of the same program moves nothing until `azml rollout resume churn -s prod`",
        "  `azml rollout abort churn -s prod` puts back old 100 %",
    ]


def test_aborted() -> None:
    head, *rows, then = picture(view(Maps(OLD), on_its_way("aborted", step=0, since=NOON - 30), "old", "new"))
    assert head == "churn: aborted, and as it was before"
    assert [row.split("%  ")[1] for row in rows] == ["serves", "no requests"]
    assert then == "  `azml up --local` of the same program moves nothing until `azml rollout resume churn`"


def test_copies_first() -> None:
    first = {"percent": 20, "bake_time": "PT5M"}
    head, _, new, *_ = picture(
        view(Maps(OLD, {"new": 20}), on_its_way(step=0), "old", "new", of=spec(gates={"mirror_first": first}))
    )
    assert head == (
        "churn: copies of requests, no request yet, since 2026-03-01 11:56:00, 4 min ago, watched for 60 s more"
    )
    assert new.endswith("new: copies of 20 %")


def test_of_an_endpoint_that_the_stack_file_does_not_have() -> None:
    head = picture(view(Maps(NEW), on_its_way(), "old", "new", of=None))[0]
    assert head == "churn: 10 %, since 2026-03-01 11:56:00, 4 min ago"


def test_for_machines() -> None:
    memory = Memory("r", previous={"last": int(NOON) + 60}, progress=on_its_way().progress)
    told = view(Maps(NEW), memory, "old", "new", "last").wire()
    rows = {row["name"]: row for row in told.pop("deployments")}
    assert len(told.pop("next")) == 2
    assert told == {
        "endpoint": "churn",
        "status": "running",
        "traffic": NEW,
        "mirror_traffic": {},
        "before": {"traffic": OLD, "mirror_traffic": {}},
        "step": 10,
        "steps": [10, 50, 100],
        "since": "2026-03-01T11:56:00+00:00",
        "watched_until": "2026-03-01T12:06:00+00:00",
        "gates": [],
    }
    assert rows["new"] == {
        "name": "new",
        "traffic": 10,
        "mirror_traffic": 0,
        "state": "Succeeded",
        "kept_until": None,
        "about": "new",
    }
    assert rows["last"]["kept_until"] == "2026-03-01T12:01:00+00:00"


@pytest.mark.parametrize(("percent", "filled"), [(0, 0), (1, 1), (2, 1), (10, 2), (50, 10), (99, 20), (100, 20)])
def test_a_bar_shows_nothing_for_nothing_alone(percent: int, filled: int) -> None:
    assert bar(percent) == "█" * filled + "░" * (20 - filled)
