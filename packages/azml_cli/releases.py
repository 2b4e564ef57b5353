"""Endpoints and deployments by the names that people gave them.

With `release: auto` a deployment's name in Azure ends in its release (`ridge-1f2e3d4c`); the stable name is a property
of it. Owns that translation for the commands, and what they say where a name is nobody's.
"""

from typing import TYPE_CHECKING, Any

from azml_cli import render

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml.resources.arm_id import ArmId
    from azml_cli.azure import StackAzure

RECENT_LINES = 12


def endpoint_id(there: "StackAzure", name: str) -> "ArmId":
    """The id of an endpoint of the stack's workspace; ends the command where it has none of that name."""
    from azml.resources.handler import ML

    id_ = there.workspace.child("onlineEndpoints", name)
    if there.arm.find(id_.text, ML) is None:
        listed = there.arm.get(f"{there.workspace.text}/onlineEndpoints", ML)["value"]
        has = ", ".join(sorted(endpoint["name"] for endpoint in listed)) or "none"
        services = ", ".join(service.name for service in there.spec.container_services)
        beside = f"\nThe stack's container services: {services}" if services else ""
        render.fail(f"There is no endpoint {name} in workspace {there.workspace.name}.\nIt has: {has}{beside}")
    return id_


def live_release(arm: "Arm", endpoint: "ArmId", name: str) -> str:
    """The deployment in Azure that is meant by `name`: that very one, else the release of it with most traffic."""
    from azml.resources.deployment_body import STABLE
    from azml.resources.handler import ML

    deployments: list[dict[str, Any]] = arm.get(f"{endpoint.text}/deployments", ML)["value"]
    traffic: dict[str, int] = arm.get(endpoint.text, ML)["properties"].get("traffic") or {}
    if name in {deployment["name"] for deployment in deployments}:
        return name
    stable = {d["name"]: (d["properties"].get("properties") or {}).get(STABLE) for d in deployments}
    releases: list[str] = [release for release, of in stable.items() if of == name]
    if not releases:
        there = ", ".join(sorted(stable)) or "none"
        render.fail(f"Endpoint {endpoint.name} has no deployment {name}.\nIt has: {there}")
    return max(releases, key=lambda release: traffic.get(release, 0))


def log_lines(arm: "Arm", deployment: "ArmId", container: str, lines: int) -> str:
    """The end of a container's log."""
    from azml.resources.handler import ML

    answer = arm.post(f"{deployment.text}/getLogs", ML, {"containerType": container, "tail": lines})
    return str(answer["content"]).rstrip("\n")


def recent_logs(arm: "Arm", endpoint: "ArmId", deployment: str | None) -> str:
    """What the deployment's container said last, as the end of a message; empty where it is not known which."""
    if deployment is None:
        return ""
    log = log_lines(arm, endpoint.child("deployments", deployment), "InferenceServer", RECENT_LINES)
    return f"\n\nLast lines of its log (more: azml logs {endpoint.name} {deployment}):\n{log}"
