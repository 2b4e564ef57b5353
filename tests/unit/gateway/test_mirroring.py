"""Whatever becomes of the copies, live requests are answered as if there were none."""

import threading
from pathlib import Path

import pytest

from tests.support.running_gateway import Model, RunningGateway, gateway, models


def test_a_mirror_gets_copies_and_changes_nothing(tmp_path: Path) -> None:
    with models("live", "shadow") as [live, shadow]:
        copies = {"instances": [shadow.address], "max_concurrent": 10}  # one that finds no slot is dropped
        deployments = {"live": {"instances": [live.address]}, "shadow": copies}
        with gateway(tmp_path, traffic={"live": 100}, mirror={"shadow": 20}, deployments=deployments) as endpoint:
            replies = [endpoint.call() for _ in range(50)]
            for _ in range(10):
                endpoint.call(headers={"azureml-model-deployment": "live"})  # named: not copied
            assert endpoint.idle()
            counted = endpoint.metrics()["deployments"]
    assert {each.model for each in replies} == {"live"}
    assert len(shadow.requests) == 10
    assert counted["shadow"]["mirrored"] == {"200": 10}
    assert counted["live"]["status"] == {"200": 60}


class Held(Model):
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__("shadow")
        self.go = threading.Event()

    def begin(self) -> None:
        self.go.wait(10)


def mirrored(live: Model, shadow: Model) -> dict[str, object]:
    """Config of a gateway that copies every live request."""
    copies = {"instances": [shadow.address], "max_concurrent": 3, "request_timeout_s": 30}
    deployments = {"live": {"instances": [live.address]}, "shadow": copies}
    return {"traffic": {"live": 100}, "mirror": {"shadow": 100}, "deployments": deployments}


def told(endpoint: RunningGateway) -> dict[str, int]:
    """What became of the copies."""
    found: dict[str, int] = endpoint.metrics()["deployments"]["shadow"]["mirrored"]
    return found


def test_a_slow_mirror_delays_nobody(tmp_path: Path) -> None:
    """Ten requests are answered while the first three copies hang; the other seven find no slot and are not sent."""
    shadow = Held()
    with models("live") as [live], shadow.serving(), gateway(tmp_path, **mirrored(live, shadow)) as endpoint:
        replies = [endpoint.call(body={"n": n}) for n in range(10)]
        assert {(each.status, each.model) for each in replies} == {(200, "live")}
        assert told(endpoint) == {"dropped": 7}
        assert sum(endpoint.metrics()["active"].values()) == 3
        shadow.go.set()
        assert endpoint.idle()
        assert told(endpoint) == {"200": 3, "dropped": 7}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [({"status": 500}, "500"), ({"die": True}, "failed"), ({"break": True}, "failed"), ({"status": 204}, "204")],
)
def test_a_failing_mirror_changes_no_answer(tmp_path: Path, fault: dict[str, object], outcome: str) -> None:
    """The live model reads the same body; a scripted shadow does as `fault` says whatever it is asked."""
    shadow = Model("shadow", always=fault)
    with models("live") as [live], shadow.serving(), gateway(tmp_path, **mirrored(live, shadow)) as endpoint:
        replies = []
        for n in range(10):
            replies.append(endpoint.call(body={"n": n}))
            assert endpoint.idle()
        assert {(each.status, each.body, each.headers["azureml-model-deployment"]) for each in replies} == {
            (200, b'{"model": "live"}', "live")
        }
        assert not any("ms-azureml-model-error-reason" in each.headers for each in replies)
        assert told(endpoint) == {outcome: 10}


def test_a_dead_mirror_changes_no_answer(tmp_path: Path) -> None:
    gone = Model("shadow")
    with gone.serving():
        pass
    with models("live") as [live], gateway(tmp_path, **mirrored(live, gone)) as endpoint:
        assert {endpoint.call().model for _ in range(10)} == {"live"}
        assert endpoint.idle()
        assert told(endpoint) == {"failed": 10}


def test_a_failing_live_model_is_not_hidden_by_its_mirror(tmp_path: Path) -> None:
    shadow = Model("shadow", always={})
    with models("live") as [live], shadow.serving(), gateway(tmp_path, **mirrored(live, shadow)) as endpoint:
        reply = endpoint.call(body={"status": 500})
        assert (reply.status, reply.headers["ms-azureml-model-error-statuscode"]) == (424, "500")
        assert endpoint.idle()
        assert told(endpoint) == {"200": 1}
