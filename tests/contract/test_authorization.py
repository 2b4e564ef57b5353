"""azure-mgmt-authorization: role assignments at every scope, and the built-in roles."""

from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract.clients import Clients, refused

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def client(clients: Clients) -> AuthorizationManagementClient:
    return clients.of(AuthorizationManagementClient, api_version="2022-04-01")


@pytest.fixture
def scope(clients: Clients, group: str) -> str:
    return f"/subscriptions/{clients.subscription}/resourceGroups/{group}"


@pytest.fixture
def principal(resources: ResourceManagementClient, scope: str) -> str:
    """A new user-assigned identity."""
    id_ = f"{scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{uuid4().hex[:6]}"
    body = {"location": "eastus"}
    made = resources.resources.begin_create_or_update_by_id(id_, body, api_version="2023-01-31").result()
    found: str = made.properties["principalId"]
    return found


def body(clients: Clients, principal: str, role: str, kind: str = "ServicePrincipal") -> dict[str, Any]:
    roles = f"/subscriptions/{clients.subscription}/providers/Microsoft.Authorization/roleDefinitions"
    return {"properties": {"principalId": principal, "roleDefinitionId": f"{roles}/{role}", "principalType": kind}}


def test_life(clients: Clients, client: AuthorizationManagementClient, scope: str, principal: str) -> None:
    assignments, name = client.role_assignments, str(uuid4())
    made = assignments.create(scope, name, body(clients, principal, ACR_PULL))
    assert (made.name, made.principal_id, made.principal_type) == (name, principal, "ServicePrincipal")
    assert made.scope == scope
    assert assignments.create(scope, name, body(clients, principal, ACR_PULL)).id == made.id
    assert assignments.get(scope, name).role_definition_id.endswith(ACR_PULL)
    assert assignments.get_by_id(made.id).name == name
    assert name in [found.name for found in assignments.list_for_scope(scope, filter="atScope()")]
    assert name in [found.name for found in assignments.list_for_scope(scope, filter=f"principalId eq '{principal}'")]
    assert name in [found.name for found in assignments.list_for_subscription()]
    assert assignments.delete(scope, name).name == name
    assert assignments.delete(scope, name) is None
    with pytest.raises(ResourceNotFoundError):
        assignments.get(scope, name)


def test_the_same_assignment_exists_once(
    clients: Clients, client: AuthorizationManagementClient, scope: str, principal: str
) -> None:
    client.role_assignments.create(scope, str(uuid4()), body(clients, principal, ACR_PULL))
    with pytest.raises(ResourceExistsError) as error:
        client.role_assignments.create(scope, str(uuid4()), body(clients, principal, ACR_PULL))
    assert refused(error) == (409, "RoleAssignmentExists")


def test_what_it_says_never_changes(
    clients: Clients, client: AuthorizationManagementClient, scope: str, principal: str
) -> None:
    name = str(uuid4())
    client.role_assignments.create(scope, name, body(clients, principal, ACR_PULL))
    with pytest.raises(HttpResponseError) as error:
        client.role_assignments.create(scope, name, body(clients, principal, READER))
    assert refused(error) == (400, "RoleAssignmentUpdateNotPermitted")


def test_an_identity_is_no_user(
    clients: Clients, client: AuthorizationManagementClient, scope: str, principal: str
) -> None:
    with pytest.raises(HttpResponseError) as error:
        client.role_assignments.create(scope, str(uuid4()), body(clients, principal, ACR_PULL, "User"))
    assert refused(error) == (400, "UnmatchedPrincipalType")


def test_names_and_roles_are_checked(
    clients: Clients, client: AuthorizationManagementClient, scope: str, principal: str
) -> None:
    with pytest.raises(HttpResponseError) as error:
        client.role_assignments.create(scope, "no-guid", body(clients, principal, ACR_PULL))
    assert refused(error)[0] == 400
    with pytest.raises(HttpResponseError) as error:
        client.role_assignments.create(scope, str(uuid4()), body(clients, principal, str(uuid4())))
    assert refused(error) == (404, "RoleDefinitionDoesNotExist")


def test_built_in_roles(client: AuthorizationManagementClient, scope: str) -> None:
    """The GUID of AcrPull is public: azure-docs, built-in roles."""
    (found,) = client.role_definitions.list(scope, filter="roleName eq 'AcrPull'")
    assert (found.name, found.role_name, found.role_type) == (ACR_PULL, "AcrPull", "BuiltInRole")
    assert client.role_definitions.get(scope, READER).role_name == "Reader"
    assert client.role_definitions.get_by_id(found.id).name == ACR_PULL
