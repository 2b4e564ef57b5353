"""Deployments by the name that people gave them.

With `release: auto` a deployment's name in Azure ends in its release (`ridge-1f2e3d4c`); the stable name is a property
of it. Owns that translation for the commands.
"""

from typing import TYPE_CHECKING, Any

from azml_cli import render

if TYPE_CHECKING:
    from azml.resources.arm import Arm
    from azml.resources.arm_id import ArmId


def live_release(arm: "Arm", endpoint: "ArmId", name: str) -> str:
    """The deployment in Azure that is meant by `name`: that very one, else the release of it with most traffic."""
    from azml.resources.deployment_body import STABLE
    from azml.resources.handler import ML

    deployments: list[dict[str, Any]] = arm.get(f"{endpoint.text}/deployments", ML)["value"]
    traffic: dict[str, int] = arm.get(endpoint.text, ML)["properties"].get("traffic") or {}
    if name in {deployment["name"] for deployment in deployments}:
        return name
    releases: list[str] = [
        d["name"] for d in deployments if (d["properties"].get("properties") or {}).get(STABLE) == name
    ]
    if not releases:
        there = ", ".join(sorted(d["name"] for d in deployments)) or "none"
        render.fail(f"Endpoint {endpoint.name} has no deployment {name}.\nIt has: {there}")
    return max(releases, key=lambda release: traffic.get(release, 0))
