"""What is refused while an operation runs, and what a failed one leaves."""

import asyncio
import threading
from typing import Any

import pytest

from azml_local.scoring.contract import DeploymentFailed, Endpoint
from tests.unit.local.support import Arm, FakePlane, ended, put_traffic


@pytest.mark.parametrize("operations", ["one", "one_each"])
def test_while_a_deployment_is_made(
    arm: Arm, endpoint: str, deploy: Any, plane: FakePlane, properties: dict[str, Any], setting: Any,
    operations: str,
) -> None:  # fmt: skip
    """The same deployment is always busy; others, and the endpoint, as the setting says."""
    setting(endpoint_operations=operations)
    deploy("blue")
    body = arm.deployment_body(properties)
    green, black = (f"{endpoint}/deployments/{name}" for name in ("green", "black"))
    plane.gate.clear()
    try:
        arm.send("PUT", green, body)
        for method, given in (("PUT", body), ("DELETE", None), ("PATCH", {"tags": {}})):
            assert arm.refused(method, green, given)[:2] == (409, "Conflict")
        traffic = arm.send("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100})).status_code
        ended(arm, endpoint)
        other = arm.send("PUT", black, body).status_code
    finally:
        plane.gate.set()
    assert (traffic, other) == ((409, 409) if operations == "one" else (200, 201))
    ended(arm, green)


@pytest.mark.parametrize("operations", ["one", "one_each"])
def test_while_the_endpoint_changes(
    arm: Arm, endpoint: str, plane: FakePlane, properties: dict[str, Any], setting: Any,
    monkeypatch: pytest.MonkeyPatch, operations: str,
) -> None:  # fmt: skip
    setting(endpoint_operations=operations)
    release, put = threading.Event(), plane.put_endpoint

    async def held(given: Endpoint) -> str:
        await asyncio.to_thread(release.wait)
        return await put(given)

    monkeypatch.setattr(plane, "put_endpoint", held)
    try:
        arm.send("PUT", endpoint, put_traffic(arm, endpoint))
        path = f"{endpoint}/deployments/blue"
        status, code, message = arm.refused("PUT", path, arm.deployment_body(properties))
        assert (status, code) == (409, "Conflict")
        assert operations == "one" or "because it is in Updating provisioning state" in message
        assert arm.refused("PUT", endpoint, put_traffic(arm, endpoint))[:2] == (409, "Conflict")
        assert arm.refused("DELETE", endpoint)[:2] == (409, "Conflict")
    finally:
        release.set()
    ended(arm, endpoint)


def test_a_failed_creation_stays_until_it_is_put_again_or_deleted(
    arm: Arm, endpoint: str, plane: FakePlane, properties: dict[str, Any]
) -> None:
    path = f"{endpoint}/deployments/blue"
    for _ in range(2):
        plane.fail = {"blue": DeploymentFailed("ResourceNotReady", "User container has crashed or terminated")}
        arm.send("PUT", path, arm.deployment_body(properties))
        ended(arm, path)
        assert arm.ok("GET", path)["properties"]["provisioningState"] == "Failed"
        assert arm.ok("POST", f"{path}/getLogs", {"tail": 3}) == {"content": "InferenceServer 3"}
    arm.ok("PUT", path, arm.deployment_body(properties))
    assert arm.ok("GET", path)["properties"]["provisioningState"] == "Succeeded"
    plane.fail = {"red": DeploymentFailed("ResourceNotReady", "no")}
    red = f"{endpoint}/deployments/red"
    arm.send("PUT", red, arm.deployment_body(properties))
    ended(arm, red)
    arm.ok("DELETE", red)
    assert arm.send("GET", red).status_code == 404
