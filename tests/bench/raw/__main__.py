"""The estate of tests/bench/test_preview.py as somebody writes it who knows Pulumi and Azure ML well.

azure-native for what it manages, azml's plain resources for assets, endpoints, deployments and traffic. No component,
no config but the number of endpoints.
"""

from pathlib import Path

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    authorization,
    containerregistry,
    keyvault,
    machinelearningservices,
    managedidentity,
    operationalinsights,
    resources,
    storage,
)

import azml
from azml.resources.content import VERSION_LENGTH, digest
from azml.resources.environment_version import environment_content
from azml.resources.model_version import model_content

SAMPLE = Path(__file__).parents[3] / "samples" / "diabetes"
WORKSPACE, LOCATION, TAGS = "mlw-bench", "eastus", {"project": "diabetes"}
PROBE = {
    "initial_delay": "PT10S",
    "period": "PT10S",
    "timeout": "PT2S",
    "success_threshold": 1,
    "failure_threshold": 30,
}
ROLES = {
    "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Application Insights Component Contributor": "ae349356-3a1b-4a5e-921d-050484c6347e",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
}
"""Azure's own ids: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""


def versioned(content: str) -> dict[str, str]:
    """Arguments that name a version by its content: known in a preview, and the same bytes are the same version."""
    return {"version": content[:VERSION_LENGTH], "content_hash": content}


def name_in(group: resources.ResourceGroup, prefix: str, longest: int) -> pulumi.Output[str]:
    """A name that is free in all of Azure, as `uniqueString(resourceGroup().id)` makes it."""
    return group.id.apply(lambda id_: f"{prefix}{abs(hash(id_))}"[:longest])


def workspace() -> machinelearningservices.Workspace:
    """The workspace, what it stands on, and an identity that may use that."""
    group = resources.ResourceGroup("group", location=LOCATION, tags=TAGS)
    account = storage.StorageAccount(
        "storage",
        resource_group_name=group.name,
        account_name=name_in(group, "stbench", 24),
        location=LOCATION,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=True,
        tags=TAGS,
    )
    vault = keyvault.Vault(
        "vault",
        resource_group_name=group.name,
        vault_name=name_in(group, "kv-bench-", 24),
        location=LOCATION,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=authorization.get_client_config_output().tenant_id,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=90,
        ),
        tags=TAGS,
    )
    logs = operationalinsights.Workspace(
        "logs",
        resource_group_name=group.name,
        workspace_name=f"log-{WORKSPACE}",
        location=LOCATION,
        sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
        retention_in_days=30,
        tags=TAGS,
    )
    insights = applicationinsights.Component(
        "insights",
        resource_group_name=group.name,
        resource_name_=f"appi-{WORKSPACE}",
        location=LOCATION,
        kind="web",
        application_type=applicationinsights.ApplicationType.WEB,
        ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
        workspace_resource_id=logs.id,
        tags=TAGS,
        opts=pulumi.ResourceOptions(additional_secret_outputs=["connection_string", "instrumentation_key"]),
    )
    registry = containerregistry.Registry(
        "registry",
        resource_group_name=group.name,
        registry_name=name_in(group, "crbench", 50),
        location=LOCATION,
        sku=containerregistry.SkuArgs(name=containerregistry.SkuName.STANDARD),
        admin_user_enabled=False,
        anonymous_pull_enabled=False,
        data_endpoint_enabled=False,
        policies={
            "export_policy": {"status": "enabled"},
            "quarantine_policy": {"status": "disabled"},
            "retention_policy": {"status": "disabled"},
            "soft_delete_policy": {"status": "disabled"},
            "trust_policy": {"type": "Notary", "status": "disabled"},
        },
        public_network_access=containerregistry.PublicNetworkAccess.ENABLED,
        tags=TAGS,
    )
    identity = managedidentity.UserAssignedIdentity(
        "identity",
        resource_group_name=group.name,
        resource_name_=f"id-{WORKSPACE}",
        location=LOCATION,
        tags=TAGS,
    )
    grants = {
        "Storage Account Contributor": account.id,
        "Storage Blob Data Contributor": account.id,
        "Key Vault Contributor": vault.id,
        "Key Vault Administrator": vault.id,
        "Application Insights Component Contributor": insights.id,
        "Contributor": registry.id,
    }
    granted = [
        authorization.RoleAssignment(
            role.lower().replace(" ", "-"),
            scope=scope,
            principal_id=identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            role_definition_id=scope.apply(lambda id_, role=role: definition(id_, role)),
        )
        for role, scope in grants.items()
    ]
    return machinelearningservices.Workspace(
        "workspace",
        resource_group_name=group.name,
        workspace_name=WORKSPACE,
        location=LOCATION,
        friendly_name=WORKSPACE,
        hbi_workspace=False,
        public_network_access=machinelearningservices.PublicNetworkAccessType.ENABLED,
        system_datastores_auth_mode=machinelearningservices.SystemDatastoresAuthMode.ACCESS_KEY,
        storage_account=account.id,
        key_vault=vault.id,
        application_insights=insights.id,
        container_registry=registry.id,
        managed_network={"isolation_mode": machinelearningservices.IsolationMode.DISABLED},
        identity=machinelearningservices.ManagedServiceIdentityArgs(
            type=machinelearningservices.ManagedServiceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[identity.id],
        ),
        primary_user_assigned_identity=identity.id,
        tags=TAGS,
        opts=pulumi.ResourceOptions(depends_on=granted),
    )


def definition(scope: str, role: str) -> str:
    """ARM id of a built-in role, in the subscription of a scope."""
    return f"/subscriptions/{scope.split('/')[2]}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"


def endpoint(
    name: str, workspace_id: pulumi.Output[str], model: azml.ModelVersion, env: azml.EnvironmentVersion, code: str
) -> None:
    """An endpoint with one deployment that gets all of its traffic."""
    made = azml.ManagedOnlineEndpoint(
        name,
        {
            "workspace_id": workspace_id,
            "name": name,
            "location": LOCATION,
            "auth_mode": "Key",
            "identity": {"type": "SystemAssigned"},
            "public_network_access": "Enabled",
            "tags": TAGS,
        },
    )
    version = azml.CodeVersion(
        f"{name}-code",
        {"workspace_id": workspace_id, "name": f"{name}-ridge", "path": str(SAMPLE / "code"), **versioned(code)},
    )
    deployment = azml.ManagedOnlineDeployment(
        f"{name}-ridge",
        {
            "endpoint_id": made.id,
            "name": "ridge",
            "deployment": "ridge",
            "release": "fixed",
            "model": model.id,
            "environment_id": env.id,
            "code_id": version.id,
            "scoring_script": "score.py",
            "instance_type": "Standard_DS3_v2",
            "instance_count": 1,
            "app_insights_enabled": False,
            "egress_public_network_access": "Enabled",
            "request_settings": {
                "request_timeout": "PT5S",
                "max_concurrent_requests_per_instance": 1,
                "max_queue_wait": "PT0.5S",
            },
            "liveness_probe": PROBE,
            "readiness_probe": PROBE,
            "tags": TAGS,
        },
    )
    azml.Rollout(
        f"{name}-rollout",
        {"endpoint_id": made.id, "traffic": {"ridge": 100}},
        pulumi.ResourceOptions(depends_on=[deployment]),
    )


def estate(endpoints: int) -> None:
    """The whole of it."""
    made = workspace()
    model = azml.ModelVersion(
        "model",
        {
            "workspace_id": made.id,
            "name": "diabetes",
            "path": str(SAMPLE / "model"),
            "type": "custom_model",
            "description": "Ridge regression on scikit-learn's diabetes data",
            "tags": TAGS,
            **versioned(model_content(SAMPLE / "model", None, "custom_model")),
        },
    )
    image = "mcr.microsoft.com/azureml/minimal-py311-inference:latest"
    conda = (SAMPLE / "conda.yml").read_text(encoding="utf-8")
    env = azml.EnvironmentVersion(
        "environment",
        {
            "workspace_id": made.id,
            "name": "diabetes",
            "image": image,
            "conda_file": conda,
            "os_type": "Linux",
            "tags": TAGS,
            **versioned(environment_content({"image": image, "condaFile": conda, "osType": "Linux"})),
        },
    )
    code = digest(SAMPLE / "code")
    for number in range(endpoints):
        endpoint(f"churn-{number}", made.id, model, env, code)


estate(pulumi.Config().require_int("endpoints"))
