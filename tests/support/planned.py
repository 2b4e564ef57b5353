"""What a program would register: every resource with its inputs, without an engine.

Pulumi's mocks stand in for the providers: an id of ARM's shape, and the inputs as outputs. It proves what is asked for,
not that Azure takes it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pulumi

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
_ARM_TYPES = {
    "azure-native:storage:StorageAccount": "Microsoft.Storage/storageAccounts",
    "azure-native:keyvault:Vault": "Microsoft.KeyVault/vaults",
    "azure-native:operationalinsights:Workspace": "Microsoft.OperationalInsights/workspaces",
    "azure-native:applicationinsights:Component": "Microsoft.Insights/components",
    "azure-native:containerregistry:Registry": "Microsoft.ContainerRegistry/registries",
    "azure-native:managedidentity:UserAssignedIdentity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "azure-native:authorization:RoleAssignment": "Microsoft.Authorization/roleAssignments",
    "azure-native:machinelearningservices:Workspace": "Microsoft.MachineLearningServices/workspaces",
    "azure-native:machinelearningservices:Registry": "Microsoft.MachineLearningServices/registries",
}


@dataclass(frozen=True)
class Registered:
    """One registration."""

    type: str
    name: str
    inputs: dict[str, Any]
    waits_for: frozenset[str] = frozenset()
    """Names of the resources that must be there first."""
    exists: bool = False
    """Read, not made: something else owns it."""
    protect: bool = False


class _Monitor(pulumi.runtime.mocks.MockMonitor):
    """Keeps what waits for what, which mocks are not told."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.waits_for: dict[tuple[str, str], frozenset[str]] = {}
        self.protected: set[tuple[str, str]] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        names = (urn.rpartition("::")[2] for urn in request.dependencies)
        self.waits_for[request.type, request.name] = frozenset(names)
        if request.protect:
            self.protected.add((request.type, request.name))
        return super().RegisterResource(request)


class Recorder(pulumi.runtime.Mocks):
    """Answers for the providers, and keeps what was asked of them."""

    def __init__(self) -> None:
        self.made: list[Registered] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.made.append(Registered(args.typ, args.name, dict(args.inputs), exists=bool(args.resource_id)))
        if args.typ == "azure-native:resources:ResourceGroup":
            return f"{SUBSCRIPTION}/resourceGroups/{args.name}", {
                "name": args.name,
                "location": "eastus",
                **args.inputs,
            }
        if args.typ in _ARM_TYPES:
            id_ = f"{SUBSCRIPTION}/resourceGroups/g/providers/{_ARM_TYPES[args.typ]}/{args.name}"
            outputs = {"principalId": "principal", "loginServer": "r.azurecr.io", **args.inputs}
            return args.resource_id or id_, outputs
        if args.typ.startswith("azml:index:Managed"):
            parent = args.inputs.get("workspaceId") or args.inputs.get("endpointId")
            kind = "onlineEndpoints" if "workspaceId" in args.inputs else "deployments"
            return args.resource_id or f"{parent}/{kind}/{args.inputs['name']}", {"scoringUri": "http://e/score"}
        if args.typ.endswith("Version"):
            kind = {"ModelVersion": "models", "CodeVersion": "codes", "DataVersion": "data"}.get(
                args.typ.split(":")[-1], "environments"
            )
            tail = f"{kind}/{args.inputs['name']}/versions/{args.inputs['version']}"
            return f"{args.inputs['workspaceId']}/{tail}", dict(args.inputs)
        if args.typ == "azml:index:NameClaim":
            mode = "recover" if args.inputs["onSoftDeleted"] == "recover" else "default"
            return args.inputs["resourceId"], {**args.inputs, "createMode": mode}
        if args.typ == "docker:index/image:Image":
            name = str(args.inputs["imageName"]).rpartition(":")[0]
            return args.inputs["imageName"], {**args.inputs, "repoDigest": f"{name}@sha256:{'0' * 64}"}
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        if args.token.endswith(":getClientConfig"):
            return {"tenantId": TENANT, "subscriptionId": SUBSCRIPTION.split("/")[2], "clientId": "c", "objectId": "o"}
        if args.token.endswith(":getResourceGroup"):
            name = args.args["resourceGroupName"]
            return {"id": f"{SUBSCRIPTION}/resourceGroups/{name}", "name": name, "location": "westeurope"}
        raise AssertionError(args.token)


def planned(program: Callable[[], Any], config: dict[str, Any] | None = None) -> list[Registered]:
    """Run a program to its end; what it registered, sorted by type and name."""
    recorder = Recorder()
    monitor = _Monitor(recorder)
    pulumi.runtime.set_mocks(recorder, project="serving", stack="dev", preview=False, monitor=monitor)
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (config or {}).items()}
    pulumi.runtime.set_all_config({f"serving:{key}": value for key, value in values.items()})

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        program()

    run()
    made = [
        replace(
            resource,
            waits_for=monitor.waits_for.get((resource.type, resource.name), frozenset()),
            protect=(resource.type, resource.name) in monitor.protected,
        )
        for resource in recorder.made
        if resource.type != "pulumi:pulumi:Stack"
    ]
    return sorted(made, key=lambda resource: (resource.type, resource.name))
