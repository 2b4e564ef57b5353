"""A workspace as azure-native wants it: the inputs that follow from the spec alone.

Owns which field goes where, in the names of azure-native's `WorkspaceArgs`. Deliberately makes nothing, and knows
nothing of what is made beside the workspace.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from azml.arm_words import DATASTORE_AUTH_MODES, IDENTITY_TYPES, ISOLATION_MODES, switch
from azml.component import given
from azml.spec.customer_managed_key import CustomerManagedKeySpec
from azml.spec.managed_network import ManagedNetworkSpec, PrivateEndpointRuleSpec, Rule, ServiceTagRuleSpec
from azml.spec.workspace import ServerlessComputeSpec, WorkspaceSpec


def inputs(spec: WorkspaceSpec) -> dict[str, Any]:
    """Give what the spec says of the workspace itself. None where it says nothing."""
    project = spec.workspace_hub is not None
    return {
        "workspaceName": spec.name,
        "kind": "Project" if project else None,
        "hubResourceId": spec.workspace_hub,
        "description": spec.description,
        "friendlyName": spec.display_name or spec.name,
        "hbiWorkspace": spec.hbi_workspace,
        "publicNetworkAccess": None if project else switch(spec.public_network_access),
        "systemDatastoresAuthMode": DATASTORE_AUTH_MODES[spec.system_datastores_auth_mode],
        "imageBuildCompute": spec.image_build_compute,
        "managedNetwork": None if project else managed_network(spec.managed_network),
        "provisionNetworkNow": spec.provision_network_now or None,
        "enableDataIsolation": spec.enable_data_isolation or None,
        "serverlessComputeSettings": spec.serverless_compute and _serverless(spec.serverless_compute),
        "primaryUserAssignedIdentity": primary(spec),
        "tags": spec.tags,
    }


def identity(spec: WorkspaceSpec) -> dict[str, Any] | None:
    """Give the identity that the estate names; None where it says nothing."""
    if spec.identity is None:
        return None
    assigned = [each.resource_id for each in spec.identity.user_assigned_identities]
    kind = {"type": IDENTITY_TYPES[spec.identity.type]}
    return {**kind, "userAssignedIdentities": assigned} if assigned else kind


def encryption(key: CustomerManagedKeySpec, identity_id: pulumi.Output[str] | str | None) -> dict[str, Any]:
    """Give the key, and the identity that fetches it where it is not the workspace's own."""
    said: Mapping[str, Any] = {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": key.key_vault, "keyIdentifier": key.key_uri},
        "cosmosDbResourceId": key.cosmosdb_id,
        "storageAccountResourceId": key.storage_id,
        "searchAccountResourceId": key.search_id,
        "identity": None if identity_id is None else {"userAssignedIdentity": identity_id},
    }
    found: dict[str, Any] = given(said)
    return found


def managed_network(network: ManagedNetworkSpec) -> dict[str, Any]:
    """Give the managed network with its outbound rules."""
    said = {
        "isolationMode": ISOLATION_MODES[network.isolation_mode],
        "firewallSku": network.firewall_sku and network.firewall_sku.capitalize(),
        "outboundRules": {each.name: _rule(each) for each in network.outbound_rules},
    }
    found: dict[str, Any] = given(said)
    return found


def _rule(each: Rule) -> dict[str, Any]:
    if isinstance(each, PrivateEndpointRuleSpec):
        to = each.destination
        destination: Any = {
            "serviceResourceId": to.service_resource_id,
            "subresourceTarget": to.subresource_target,
            "sparkEnabled": to.spark_enabled,
        }
        fqdns = {"fqdns": each.fqdns} if each.fqdns else {}
        return {"type": "PrivateEndpoint", "category": "UserDefined", "destination": destination, **fqdns}
    if isinstance(each, ServiceTagRuleSpec):
        tag = each.destination
        destination = {"serviceTag": tag.service_tag, "protocol": tag.protocol, "portRanges": tag.port_ranges}
        if tag.address_prefixes:
            destination["addressPrefixes"] = tag.address_prefixes
        return {"type": "ServiceTag", "category": "UserDefined", "destination": destination}
    return {"type": "FQDN", "category": "UserDefined", "destination": each.destination}


def _serverless(compute: ServerlessComputeSpec) -> dict[str, Any]:
    said = {
        "serverlessComputeCustomSubnet": compute.custom_subnet,
        "serverlessComputeNoPublicIP": compute.no_public_ip,
    }
    found: dict[str, Any] = given(said)
    return found


def primary(spec: WorkspaceSpec) -> str | None:
    """Name the identity that the workspace uses: without a system-assigned one, its only one."""
    if spec.primary_user_assigned_identity is not None or spec.identity is None:
        return spec.primary_user_assigned_identity
    only = spec.identity.user_assigned_identities if spec.identity.type == "user_assigned" else []
    return only[0].resource_id if len(only) == 1 else None
