"""Which addresses of the internet reach a workspace: the one setting of it that azure-native cannot write.

Owns `networkAcls`, which Azure ML's API has up to 2024-10-01-preview and azure-ai-ml still sends so. A full PUT in
another version may lose it, and only a look at what is live can tell: the engine compares it after the workspace was
written. Deliberately nothing else of the workspace.
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.handler import Handler, Live, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.work import Work

PREVIEW = "2024-10-01-preview"
"""API version of Microsoft.MachineLearningServices that has the property."""
EVERYONE: Values = {"defaultAction": "Allow", "ipRules": []}


class IpRule(TypedDict):
    """Addresses that may reach the workspace."""

    value: str
    """An IPv4 address or a range of them."""


class WorkspaceNetworkAclsArgs(TypedDict):
    """Arguments of `WorkspaceNetworkAcls`."""

    workspace_id: pulumi.Input[str]
    """ARM id of the workspace."""
    default_action: pulumi.Input[str]
    """Deny (only the addresses of ip_rules) or Allow (everyone)."""
    ip_rules: NotRequired[list[IpRule]]
    """Addresses that are let in."""


class WorkspaceNetworkAcls(AzmlResource):
    """Which addresses of the internet reach a workspace. Without it all do, where public access is on."""

    def __init__(self, name: str, args: WorkspaceNetworkAclsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class WorkspaceNetworkAclsHandler(Handler):
    """CRUD of `WorkspaceNetworkAcls`."""

    what = "list of addresses"
    identity = frozenset({"workspaceId"})

    def check(self, inputs: Values) -> Values:
        """What decides must be there."""
        require(inputs, ["workspaceId", "defaultAction"], self.what)
        return {"ipRules": [], **inputs}

    def arm_id(self, inputs: Values) -> ArmId:
        """The workspace's."""
        return ArmId.parse(inputs["workspaceId"])

    def look(self, work: Work, id_: ArmId) -> Live | None:
        """What the workspace says now; a workspace that says nothing lets everyone in."""
        found = work.arm.find(id_.text, PREVIEW)
        if found is None:
            return None
        live: Any = found["properties"].get("networkAcls") or EVERYONE
        return Live({"workspaceId": id_.text, **EVERYONE, **{key: live[key] for key in EVERYONE if live.get(key)}}, {})

    def create(self, work: Work, inputs: Values) -> Values:
        """Write it."""
        return self._written(work, inputs)

    def left(self, work: Work, inputs: Values) -> Values | None:
        """What is there already, where it is as wanted."""
        live = self.look(work, self.arm_id(inputs))
        return inputs if live is not None and not self.compare(inputs, live) else None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Write it again."""
        return self._written(work, inputs)

    def delete(self, work: Work, state: Values) -> None:
        """Let everyone in again, as Azure does by itself; with its workspace gone there is nothing to do."""
        if work.arm.find(state["workspaceId"], PREVIEW) is not None:
            self._written(work, {**state, **EVERYONE})

    def _written(self, work: Work, inputs: Values) -> Values:
        acls = {name: inputs[name] for name in EVERYONE}
        work.arm.patch(inputs["workspaceId"], PREVIEW, {"properties": {"networkAcls": acls}}, work)
        return inputs
