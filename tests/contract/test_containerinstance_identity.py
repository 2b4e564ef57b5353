"""Images that a group's identity pulls: azure-mgmt-containerinstance, beside the clients for what it needs.

Expected codes and texts: acr-image-pull-failures-managed-identity (2026-09-09). System-assigned identities pull
nothing: using-azure-container-registry-mi (2026-07-25).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract.clients import Clients, refused
from tests.contract.test_authorization import ACR_PULL
from tests.contract.test_containerinstance_groups import ask
from tests.support import oci
from tests.support.registry_client import OCI_MANIFEST, Client, basic


@dataclass(frozen=True)
class Place:
    """A registry with an image, and an identity that has no role."""

    registry: str
    server: str
    image: str
    identity: str
    principal: str

    def body(self, **changes: Any) -> dict[str, Any]:
        """A group that pulls by the identity."""
        requests = {"requests": {"cpu": 1, "memoryInGB": 1}}
        properties = {
            "osType": "Linux",
            "containers": [
                {"name": "web", "properties": {"image": self.image, "ports": [{"port": 80}], "resources": requests}}
            ],
            "imageRegistryCredentials": [{"server": self.server, "identity": self.identity}],
            "ipAddress": {"type": "Public", "ports": [{"port": 80}]},
        }
        assigned = {"type": "UserAssigned", "userAssignedIdentities": {self.identity: {}}}
        return {"location": "eastus", "identity": assigned, "properties": properties, **changes}


@pytest.fixture(scope="module")
def place(clients: Clients, group: str) -> Iterator[Place]:
    registries, name = clients.of(ContainerRegistryManagementClient), f"cr{uuid4().hex[:12]}"
    body = {"location": "eastus", "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": True}}
    made = registries.registries.begin_create(group, name, body).result()
    server, written = str(made.properties.login_server), oci.Registry()
    written.serving("team/diabetes:1")
    admin = basic(name, str(registries.registries.list_credentials(group, name).passwords[0].value))
    with Client(server, str(clients.azure.home.ca), authorization=admin) as client:
        for blob in written.blobs.values():
            client.push_blob("team/diabetes", blob)
        manifest = written.manifests["team/diabetes:1"]
        client.ok("PUT", "/v2/team/diabetes/manifests/1", manifest, content_type=OCI_MANIFEST)
    at = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers"
    identity = f"{at}/Microsoft.ManagedIdentity/userAssignedIdentities/id-{uuid4().hex[:6]}"
    resources = clients.of(ResourceManagementClient).resources
    known = resources.begin_create_or_update_by_id(identity, {"location": "eastus"}, api_version="2023-01-31").result()
    yield Place(str(made.id), server, f"{server}/team/diabetes:1", identity, known.properties["principalId"])
    clients.of(ContainerInstanceManagementClient).container_groups.begin_delete(group, "pulls").result()


def test_a_role_lets_it_pull(clients: Clients, group: str, place: Place) -> None:
    groups = clients.of(ContainerInstanceManagementClient).container_groups
    roles = clients.of(AuthorizationManagementClient, api_version="2022-04-01").role_assignments
    definition = f"/subscriptions/{clients.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"

    def refused_for_want_of_a_role() -> None:
        with pytest.raises(HttpResponseError) as error:
            groups.begin_create_or_update(group, "pulls", place.body()).result()
        assert error.value.error is not None
        assert error.value.error.code == "InaccessibleImage"
        text = f"The image '{place.image}' in container group 'pulls' is not accessible. Please check the image and "
        assert text in error.value.message
        assert "AcrPull" in error.value.message

    refused_for_want_of_a_role()
    properties = {"principalId": place.principal, "roleDefinitionId": definition, "principalType": "ServicePrincipal"}
    name = str(uuid4())
    roles.create(place.registry, name, {"properties": properties})
    made = groups.begin_create_or_update(group, "pulls", place.body()).result()
    assert ask(made)["pid"]
    shown = made.image_registry_credentials[0]
    assert (shown.identity, shown.username) == (place.identity, None)
    roles.delete(place.registry, name)
    refused_for_want_of_a_role()


@pytest.mark.parametrize(
    ("case", "code", "text"),
    [
        ("both", "AmbiguousImageResitryCredentialType", "cannot be detected. Please set exactly one of username or"),
        ("not of the group", "InvalidImageRegistryIdentity", "not found in container group identity list."),
        ("system-assigned", "InvalidImageRegistryIdentity", "not found in container group identity list."),
    ],
)
def test_what_is_refused(clients: Clients, group: str, place: Place, case: str, code: str, text: str) -> None:
    body = place.body(**({} if case == "both" else {"identity": {"type": "SystemAssigned"}}))
    (credential,) = body["properties"]["imageRegistryCredentials"]
    credential |= {"both": {"username": "u", "password": "p"}, "system-assigned": {"identity": "system"}}.get(case, {})
    with pytest.raises(HttpResponseError) as error:
        clients.of(ContainerInstanceManagementClient).container_groups.begin_create_or_update(group, "bad", body)
    assert refused(error) == (400, code)
    assert f"'imageRegistryCredentials' of container group 'bad' {text}" in str(error.value.message)
