"""The workspace and what it stands on: exactly these resources, set up so."""

import importlib.metadata
import subprocess
import sys
from typing import Any

import pulumi
import pytest

import azml
from azml.component import InvalidArgs
from azml.facts.roles import ROLES
from tests.support.planned import SUBSCRIPTION, TENANT, Recorder, Registered, planned

GROUP = f"{SUBSCRIPTION}/resourceGroups/g/providers"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/w-storage"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/w-vault"
REGISTRY = f"{GROUP}/Microsoft.ContainerRegistry/registries/w-registry"
INSIGHTS = f"{GROUP}/Microsoft.Insights/components/w-insights"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/w-identity"


def workspace(**args: Any) -> list[Registered]:
    full = {"name": "mlw-x", "location": "eastus", "stage": "dev", **args}
    return planned(lambda: azml.Workspace("w", full))  # type: ignore[arg-type]


def one(made: list[Registered], type_: str) -> dict[str, Any]:
    (found,) = (resource for resource in made if resource.type == f"azure-native:{type_}")
    return found.inputs


def test_exactly_these_resources() -> None:
    assert [(resource.type.removeprefix("azure-native:"), resource.name) for resource in workspace()] == [
        ("azml:index:ContainerRegistry", "w-registry"),
        ("azml:index:Workspace", "w"),
        ("applicationinsights:Component", "w-insights"),
        ("authorization:RoleAssignment", "w-insights-role"),
        ("authorization:RoleAssignment", "w-registry-role"),
        ("authorization:RoleAssignment", "w-storage-blobs-role"),
        ("authorization:RoleAssignment", "w-storage-role"),
        ("authorization:RoleAssignment", "w-vault-contents-role"),
        ("authorization:RoleAssignment", "w-vault-role"),
        ("containerregistry:Registry", "w-registry"),
        ("keyvault:Vault", "w-vault"),
        ("machinelearningservices:Workspace", "w"),
        ("managedidentity:UserAssignedIdentity", "w-identity"),
        ("operationalinsights:Workspace", "w-logs"),
        ("resources:ResourceGroup", "w-rg"),
        ("storage:StorageAccount", "w-storage"),
    ]


def test_what_the_workspace_says() -> None:
    made = workspace(tags={"a": "1"}, description="d", display_name="Mine", hbi_workspace=True)
    assert one(made, "machinelearningservices:Workspace") == {
        "resourceGroupName": "w-rg",
        "workspaceName": "mlw-x",
        "location": "eastus",
        "description": "d",
        "friendlyName": "Mine",
        "hbiWorkspace": True,
        "publicNetworkAccess": "Enabled",
        "systemDatastoresAuthMode": "AccessKey",
        "storageAccount": STORAGE,
        "keyVault": VAULT,
        "applicationInsights": INSIGHTS,
        "containerRegistry": REGISTRY,
        "managedNetwork": {"isolationMode": "Disabled"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]},
        "primaryUserAssignedIdentity": IDENTITY,
        "tags": {"a": "1"},
    }


def test_its_parts_are_closed_where_they_can_be() -> None:
    made = workspace()
    storage = one(made, "storage:StorageAccount")
    assert storage["minimumTlsVersion"] == "TLS1_2"
    assert storage["enableHttpsTrafficOnly"] is True
    assert storage["allowBlobPublicAccess"] is False
    assert storage["allowCrossTenantReplication"] is False
    assert storage["allowSharedKeyAccess"] is True
    vault = one(made, "keyvault:Vault")["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert vault["tenantId"] == TENANT
    registry = one(made, "containerregistry:Registry")
    assert registry["adminUserEnabled"] is False
    assert registry["anonymousPullEnabled"] is False
    assert one(made, "applicationinsights:Component")["ingestionMode"] == "LogAnalytics"


@pytest.mark.parametrize(("stage", "days", "purge"), [("dev", 90, None), ("test", 90, None), ("prod", 90, True)])
def test_only_production_s_vault_cannot_be_purged(stage: str, days: int, purge: bool | None) -> None:
    vault = one(workspace(stage=stage), "keyvault:Vault")["properties"]
    assert vault["softDeleteRetentionInDays"] == days
    assert vault.get("enablePurgeProtection") is purge


def test_roles_are_granted_on_each_part_alone() -> None:
    granted = {
        (resource.inputs["scope"], resource.inputs["roleDefinitionId"].rsplit("/", 1)[1])
        for resource in workspace()
        if resource.type.endswith("RoleAssignment")
    }
    assert granted == {
        (STORAGE, ROLES["Storage Account Contributor"]),
        (STORAGE, ROLES["Storage Blob Data Contributor"]),
        (VAULT, ROLES["Key Vault Contributor"]),
        (VAULT, ROLES["Key Vault Administrator"]),
        (INSIGHTS, ROLES["Application Insights Component Contributor"]),
        (REGISTRY, ROLES["Contributor"]),
    }
    for resource in workspace():
        if resource.type.endswith("RoleAssignment"):
            assert resource.inputs["principalId"] == "principal"
            assert resource.inputs["principalType"] == "ServicePrincipal"
            assert resource.inputs["roleDefinitionId"].startswith(f"{SUBSCRIPTION}/providers/")


def test_without_keys_the_account_has_none_and_files_need_a_role() -> None:
    made = workspace(system_datastores_auth_mode="identity")
    assert one(made, "storage:StorageAccount")["allowSharedKeyAccess"] is False
    assert "w-storage-files-role" in [resource.name for resource in made]


def test_an_identity_of_one_s_own_gets_no_roles_from_us() -> None:
    identity = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
    made = workspace(
        identity={"type": "user_assigned", "user_assigned_identities": [{"resource_id": identity}]},
        primary_user_assigned_identity=identity,
    )
    said = one(made, "machinelearningservices:Workspace")
    assert said["identity"] == {"type": "UserAssigned", "userAssignedIdentities": [identity]}
    assert said["primaryUserAssignedIdentity"] == identity
    assert not [r for r in made if "RoleAssignment" in r.type or "UserAssignedIdentity" in r.type]


def test_a_system_assigned_identity_is_asked_for_by_name() -> None:
    made = workspace(identity={"type": "system_assigned"})
    said = one(made, "machinelearningservices:Workspace")
    assert said["identity"] == {"type": "SystemAssigned"}
    assert "primaryUserAssignedIdentity" not in said


def test_what_exists_is_used() -> None:
    given = {
        "storage_account": STORAGE + "2",
        "key_vault": VAULT + "2",
        "application_insights": INSIGHTS + "2",
        "container_registry": REGISTRY + "2",
    }
    made = workspace(resource_group="rg-mine", **given)
    kinds = {resource.type.split(":")[1] for resource in made if resource.type.startswith("azure-native")}
    assert kinds == {"machinelearningservices", "managedidentity", "authorization"}
    assert [resource.name for resource in made if resource.type == "azml:index:NameClaim"] == ["w-name"]
    said = one(made, "machinelearningservices:Workspace")
    assert said["resourceGroupName"] == "rg-mine"
    assert (said["storageAccount"], said["keyVault"]) == (STORAGE + "2", VAULT + "2")


def test_the_region_is_the_group_s_where_none_is_said() -> None:
    made = workspace(location=None, resource_group="rg-mine")
    assert one(made, "machinelearningservices:Workspace")["location"] == "westeurope"


def test_an_existing_workspace_is_only_read() -> None:
    id_ = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/theirs"
    made = planned(lambda: azml.Workspace("w", {"name": "theirs", "existing": id_}))
    assert [resource.type for resource in made] == [
        "azml:index:Workspace",
        "azure-native:machinelearningservices:Workspace",
    ]


def test_the_registry_s_own_settings() -> None:
    made = workspace(registry={"sku": "premium", "public_network_access": "disabled", "name": "mine12345"})
    registry = one(made, "containerregistry:Registry")
    assert registry["sku"] == {"name": "Premium"}
    assert registry["publicNetworkAccess"] == "Disabled"
    assert registry["registryName"] == "mine12345"
    assert registry["resourceGroupName"] == "w-rg"


def test_wrong_arguments_are_all_said_at_once() -> None:
    with pytest.raises(InvalidArgs) as caught:
        workspace(name="x", public_network_access="maybe")
    assert "name" in str(caught.value)
    assert "public_network_access" in str(caught.value)


def test_a_registry_alone_says_where_it_stands() -> None:
    made = planned(lambda: azml.ContainerRegistry("r", {"name": "mine12345", "resource_group": "g"}))
    assert one(made, "containerregistry:Registry")["resourceGroupName"] == "g"
    with pytest.raises(InvalidArgs, match="resource_group"):
        planned(lambda: azml.ContainerRegistry("r", {"name": "mine12345"}))


def test_the_lean_class_is_azure_native_s_own() -> None:
    """Same token, same input names, same plugin version as the class of the SDK that it stands for."""
    from pulumi._types import input_type_py_to_pulumi_names
    from pulumi_azure_native import _utilities, machinelearningservices

    from azml.azure_ml import AzureMlWorkspace

    key = {"key_vault": VAULT, "key_uri": "https://w-vault.vault.azure.net/keys/k"}
    made = workspace(
        description="d", image_build_compute="c", managed_network=NETWORK, customer_managed_key=key,
        serverless_compute={}, provision_network_now=True, enable_data_isolation=True,
    )  # fmt: skip
    inputs = one(made, "machinelearningservices:Workspace")
    assert set(inputs) <= set(input_type_py_to_pulumi_names(machinelearningservices.WorkspaceArgs).values())
    identity = input_type_py_to_pulumi_names(machinelearningservices.ManagedServiceIdentityArgs).values()
    assert set(inputs["identity"]) <= set(identity)
    network = input_type_py_to_pulumi_names(machinelearningservices.ManagedNetworkSettingsArgs).values()
    assert set(inputs["managedNetwork"]) <= set(network)
    for part, official in (
        ("encryption", machinelearningservices.EncryptionPropertyArgs),
        ("serverlessComputeSettings", machinelearningservices.ServerlessComputeSettingsArgs),
    ):
        assert set(inputs[part]) <= set(input_type_py_to_pulumi_names(official).values())
    assert machinelearningservices.Workspace.pulumi_type == AzureMlWorkspace.token
    assert importlib.metadata.version("pulumi-azure-native") == _utilities.get_version()


def test_a_program_does_not_pay_for_azure_native_s_biggest_module() -> None:
    code = "import azml.build, sys; assert 'pulumi_azure_native.machinelearningservices.workspace' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


NETWORK = {
    "isolation_mode": "allow_only_approved_outbound",
    "firewall_sku": "basic",
    "outbound_rules": [
        {
            "name": "blobs",
            "destination": {"service_resource_id": f"{STORAGE}9", "subresource_target": "blob", "spark_enabled": True},
        },
        {"name": "files", "destination": {"service_resource_id": f"{STORAGE}9", "subresource_target": "file"}},
        {"name": "adf", "destination": {"service_tag": "DataFactory", "protocol": "tcp", "port_ranges": "80, 443"}},
        {"name": "web", "type": "fqdn", "destination": "www.contoso.com"},
    ],
}


def test_the_managed_network_in_arm_s_words() -> None:
    said = one(workspace(managed_network=NETWORK, provision_network_now=True), "machinelearningservices:Workspace")
    assert said["provisionNetworkNow"] is True
    assert said["managedNetwork"] == {
        "isolationMode": "AllowOnlyApprovedOutbound",
        "firewallSku": "Basic",
        "outboundRules": {
            "blobs": {
                "type": "PrivateEndpoint",
                "category": "UserDefined",
                "destination": {
                    "serviceResourceId": f"{STORAGE}9",
                    "subresourceTarget": "blob",
                    "sparkEnabled": True,
                },
            },
            "files": {
                "type": "PrivateEndpoint",
                "category": "UserDefined",
                "destination": {
                    "serviceResourceId": f"{STORAGE}9",
                    "subresourceTarget": "file",
                    "sparkEnabled": False,
                },
            },
            "adf": {
                "type": "ServiceTag",
                "category": "UserDefined",
                "destination": {"serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80, 443"},
            },
            "web": {"type": "FQDN", "category": "UserDefined", "destination": "www.contoso.com"},
        },
    }


def test_our_identity_may_approve_the_private_endpoints() -> None:
    approver = ROLES["Azure AI Enterprise Network Connection Approver"]
    granted = [
        resource.inputs["scope"]
        for resource in workspace(managed_network=NETWORK)
        if resource.type.endswith("RoleAssignment") and resource.inputs["roleDefinitionId"].endswith(approver)
    ]
    assert sorted(granted) == sorted([STORAGE, VAULT, REGISTRY, f"{STORAGE}9"]), "a role is given once"


def test_a_key_of_one_s_own_is_fetched_by_our_identity() -> None:
    key = "https://cmk.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"
    vault = f"{GROUP}/Microsoft.KeyVault/vaults/cmk"
    made = workspace(customer_managed_key={"key_vault": vault, "key_uri": key, "storage_id": STORAGE})
    assert one(made, "machinelearningservices:Workspace")["encryption"] == {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": key},
        "storageAccountResourceId": STORAGE,
        "identity": {"userAssignedIdentity": IDENTITY},
    }
    wraps = ROLES["Key Vault Crypto Service Encryption User"]
    (role,) = (r for r in made if str(r.inputs.get("roleDefinitionId", "")).endswith(wraps))
    assert role.inputs["scope"] == vault


def test_a_key_is_azure_s_to_fetch_where_azure_makes_the_identity() -> None:
    key = "https://cmk.vault.azure.net/keys/k"
    vault = f"{GROUP}/Microsoft.KeyVault/vaults/cmk"
    made = workspace(customer_managed_key={"key_vault": vault, "key_uri": key}, identity={"type": "system_assigned"})
    assert "identity" not in one(made, "machinelearningservices:Workspace")["encryption"]


def test_a_project_stands_on_its_hub() -> None:
    hub = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/hub"
    made = workspace(workspace_hub=hub, resource_group="rg-mine", enable_data_isolation=True)
    assert [resource.type for resource in made] == [
        "azml:index:NameClaim",
        "azml:index:Workspace",
        "azure-native:machinelearningservices:Workspace",
    ]
    said = one(made, "machinelearningservices:Workspace")
    assert (said["kind"], said["hubResourceId"]) == ("Project", hub)
    assert said["identity"] == {"type": "SystemAssigned"}
    assert said["enableDataIsolation"] is True
    assert not {"storageAccount", "keyVault", "managedNetwork", "publicNetworkAccess"} & set(said)


def test_serverless_compute_in_a_subnet() -> None:
    subnet = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
    said = one(
        workspace(serverless_compute={"custom_subnet": subnet, "no_public_ip": True}),
        "machinelearningservices:Workspace",
    )
    assert said["serverlessComputeSettings"] == {
        "serverlessComputeCustomSubnet": subnet,
        "serverlessComputeNoPublicIP": True,
    }


def test_an_only_identity_is_the_one_that_is_used() -> None:
    identity = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
    made = workspace(identity={"type": "user_assigned", "user_assigned_identities": [{"resource_id": identity}]})
    assert one(made, "machinelearningservices:Workspace")["primaryUserAssignedIdentity"] == identity


def test_insights_on_logs_that_exist() -> None:
    logs = f"{GROUP}/Microsoft.OperationalInsights/workspaces/l"
    made = workspace(log_analytics=logs)
    assert not [resource for resource in made if "operationalinsights" in resource.type]
    assert one(made, "applicationinsights:Component")["workspaceResourceId"] == logs


def test_a_premium_registry_s_policies() -> None:
    made = workspace(
        registry={
            "sku": "premium",
            "retention_days": 0,
            "content_trust_enabled": True,
            "public_network_access": "disabled",
            "export_enabled": False,
        }
    )
    registry = one(made, "containerregistry:Registry")
    assert registry["policies"] == {
        "quarantinePolicy": {"status": "disabled"},
        "trustPolicy": {"type": "Notary", "status": "enabled"},
        "retentionPolicy": {"status": "enabled", "days": 0},
        "softDeletePolicy": {"status": "disabled"},
        "exportPolicy": {"status": "disabled"},
    }
    only = one(workspace(registry={"sku": "premium", "ip_rules": ["203.0.113.7"]}), "containerregistry:Registry")
    assert only["networkRuleSet"] == {
        "defaultAction": "Deny",
        "ipRules": [{"action": "Allow", "iPAddressOrRange": "203.0.113.7"}],
    }


def test_names_in_a_group_that_outlives_the_stack_are_looked_at_first() -> None:
    made = workspace(resource_group="rg-mine", on_soft_deleted="recover")
    claims = {resource.name: resource.inputs for resource in made if resource.type == "azml:index:NameClaim"}
    group = f"{SUBSCRIPTION}/resourceGroups/rg-mine/providers"
    vault = one(made, "keyvault:Vault")
    assert set(claims) == {"w-name", "w-vault-name"}
    assert claims["w-vault-name"]["resourceId"] == f"{group}/Microsoft.KeyVault/vaults/{vault['vaultName']}"
    assert claims["w-name"]["resourceId"] == f"{group}/Microsoft.MachineLearningServices/workspaces/mlw-x"
    for inputs in claims.values():
        assert (inputs["location"], inputs["onSoftDeleted"]) == ("eastus", "recover")
    assert vault["properties"]["createMode"] == "recover", "as the claim says"
    assert not [resource for resource in workspace() if "NameClaim" in resource.type], "a new group has no past"
    assert "createMode" not in one(workspace(), "keyvault:Vault")["properties"]


def test_what_the_vault_depends_on_renews_its_claim() -> None:
    """A vault that exists must not be written as one that is to be recovered."""

    def revision(**args: Any) -> str:
        made = workspace(resource_group="rg-mine", **args)
        (claim,) = (resource for resource in made if resource.name == "w-vault-name")
        return str(claim.inputs["revision"])

    assert revision() == revision(description="another")
    assert len({revision(), revision(tags={"a": "1"}), revision(stage="prod")}) == 3


def test_addresses_are_let_in_beside_the_workspace() -> None:
    acls = {"default_action": "deny", "ip_rules": [{"value": "203.0.113.0/24"}]}
    made = workspace(network_acls=acls)
    (only,) = (resource for resource in made if resource.type == "azml:index:WorkspaceNetworkAcls")
    assert only.inputs == {
        "workspaceId": f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w",
        "defaultAction": "Deny",
        "ipRules": [{"value": "203.0.113.0/24"}],
    }


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        ("getResourceGroup", {"resource_group": "rg-typo"}, "resource group rg-typo"),
        ("getClientConfig", {}, "Who is signed in to Azure"),
    ],
)
def test_a_question_without_an_answer_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, function: str, args: dict[str, Any], said: str
) -> None:
    """The engine prints a `RunError` as it is, and anything else with its traceback."""
    answer = Recorder.call

    def call(self: Recorder, asked: pulumi.runtime.MockCallArgs) -> Any:
        none = asked.token.endswith(f":{function}")
        return ({}, [("", "could not be found")]) if none else answer(self, asked)

    monkeypatch.setattr(Recorder, "call", call)
    with pytest.raises(pulumi.RunError, match=said) as caught:
        workspace(**args)
    assert "could not be found" in str(caught.value)
