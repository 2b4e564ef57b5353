"""Finding a workspace by the name that a stack gives it.

Owns the search. Deliberately not how the workspace is made: its resource group may have a random ending, so its id
cannot be composed.
"""

from typing import TYPE_CHECKING

from azml.resources.arm_id import ArmId
from azml.resources.errors import Refused
from azml.resources.handler import ML

if TYPE_CHECKING:
    from azml.resources.arm import Arm


def find_workspace(arm: "Arm", subscription_id: str, name: str, resource_group: str | None = None) -> ArmId:
    """Give the id of the one workspace of that name; `Refused` where there is none, or several."""
    scope = f"/subscriptions/{subscription_id}"
    if resource_group is not None:
        scope += f"/resourceGroups/{resource_group}"
    listed = arm.get(f"{scope}/providers/Microsoft.MachineLearningServices/workspaces", ML)["value"]
    found = [ArmId.parse(item["id"]) for item in listed if item["name"].lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"There is no workspace '{name}' in {scope}. Deploy the stack first: pulumi up")
    groups = ", ".join(sorted(id_.resource_group for id_ in found))
    raise Refused(
        f"There are {len(found)} workspaces '{name}' in {scope}, in the resource groups {groups}.\n"
        "Say which one with workspace.resource_group, or workspace.existing."
    )
