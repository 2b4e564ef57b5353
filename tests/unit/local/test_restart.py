"""What a restart brings back: everything that served, as it last worked, under the same keys and addresses."""

import asyncio
from pathlib import Path

from azure.core.rest import HttpRequest

from azml_local.scoring.contract import DeploymentFailed
from tests.unit.local.support import Arm, FakePlane, running, until


def test_what_served_serves_again(home: Path) -> None:
    with running(home) as first, Arm(first) as arm:
        workspace = arm.workspace(arm.group())
        properties = arm.assets(workspace)
        endpoint = arm.endpoint(workspace)
        good, bad = f"{endpoint}/deployments/good", f"{endpoint}/deployments/bad"
        arm.ok("PUT", good, arm.deployment_body(properties, environmentVariables={"RELEASE": "1"}))
        first.plane.fail = {name: DeploymentFailed("ResourceNotReady", "no") for name in ("good", "bad")}
        for path in (good, bad):
            arm.send("PUT", path, arm.deployment_body(properties, environmentVariables={"RELEASE": "2"}))
            until(lambda path=path: arm.ok("GET", path)["properties"]["provisioningState"] == "Failed")
        body = arm.ok("GET", endpoint)
        body["properties"]["traffic"] = {"good": 0}
        arm.ok("PUT", endpoint, body)
        keys = arm.ok("POST", f"{endpoint}/listKeys")
    with running(home, FakePlane()) as second, Arm(second) as arm:
        until(lambda: good in second.plane.deployments)
        assert set(second.plane.deployments) == {good}
        assert second.plane.deployments[good].variables == {"RELEASE": "1"}
        assert second.plane.endpoints[endpoint].traffic == {"good": 0}
        assert second.plane.endpoints[endpoint].keys == (keys["primaryKey"], keys["secondaryKey"])
        assert arm.ok("GET", good)["properties"]["environmentVariables"] == {"RELEASE": "2"}
        assert second.url == first.url


def test_what_does_not_come_back_says_so(home: Path) -> None:
    with running(home) as first, Arm(first) as arm:
        workspace = arm.workspace(arm.group())
        endpoint = arm.endpoint(workspace)
        path = f"{endpoint}/deployments/blue"
        arm.ok("PUT", path, arm.deployment_body(arm.assets(workspace)))
    (model,) = home.rglob("model.bin")
    model.unlink()
    model.parent.rmdir()
    with running(home, FakePlane()) as second, Arm(second) as arm:
        until(lambda: arm.ok("GET", path)["properties"]["provisioningState"] == "Failed")
        assert second.plane.deployments == {}


def test_a_deletion_goes_on(home: Path) -> None:
    class Stuck(FakePlane):
        async def delete_endpoint(self, _endpoint: str) -> None:
            await asyncio.sleep(3600)

    with running(home, Stuck()) as first, Arm(first) as arm:
        group = arm.group()
        endpoint = arm.endpoint(arm.workspace(group))
        response = arm.send("DELETE", group)
        assert response.status_code == 202
        assert arm.ok("GET", endpoint)
    with running(home, FakePlane()) as second, Arm(second) as arm:
        until(lambda: arm.send("HEAD", group).status_code == 404)
        poll = response.headers["Location"]
        assert arm.client.send_request(HttpRequest("GET", poll)).status_code == 204
