"""azure-mgmt-containerregistry: scope maps, tokens, their passwords, usages."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

from tests.contract.clients import Clients, refused

READ = "repositories/team/*/content/read"


@pytest.fixture(scope="module")
def client(clients: Clients) -> ContainerRegistryManagementClient:
    return clients.of(ContainerRegistryManagementClient)


@pytest.fixture(scope="module")
def registry(client: ContainerRegistryManagementClient, group: str) -> str:
    name = f"cr{uuid4().hex[:12]}"
    client.registries.begin_create(group, name, {"location": "eastus", "sku": {"name": "Basic"}}).result()
    return name


def scope_map(client: ContainerRegistryManagementClient, group: str, registry: str, *actions: str) -> str:
    """Make a scope map; its ARM id."""
    body = {"properties": {"actions": list(actions)}}
    return str(client.scope_maps.begin_create(group, registry, f"map-{uuid4().hex[:8]}", body).result().id)


def test_life_of_a_scope_map(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    body = {"properties": {"description": "what the team pulls", "actions": [READ]}}
    made = client.scope_maps.begin_create(group, registry, "team-pull", body).result()
    assert (made.properties.actions, made.properties.type) == ([READ], "UserDefined")
    listed = {found.name: found.properties for found in client.scope_maps.list(group, registry)}
    # container-registry-repository-scoped-permissions: the five that every registry has
    assert set(listed) >= {
        "_repositories_admin",
        "_repositories_pull",
        "_repositories_pull_metadata_read",
        "_repositories_push",
        "_repositories_push_metadata_write",
        "team-pull",
    }
    assert listed["_repositories_pull"].type == "SystemDefined"
    changed = client.scope_maps.begin_update(
        group, registry, "team-pull", {"properties": {"actions": [READ, "repositories/team/*/metadata/read"]}}
    ).result()
    assert (len(changed.properties.actions), changed.properties.description) == (2, "what the team pulls")
    client.scope_maps.begin_delete(group, registry, "team-pull").result()
    with pytest.raises(ResourceNotFoundError):
        client.scope_maps.get(group, registry, "team-pull")


@pytest.mark.parametrize("action", ["repositories/a/content/execute", "repositories/A/content/read", "a"])
def test_a_scope_map_has_known_actions(
    client: ContainerRegistryManagementClient, group: str, registry: str, action: str
) -> None:
    with pytest.raises(HttpResponseError, match=action) as error:
        client.scope_maps.begin_create(group, registry, "map-bad", {"properties": {"actions": [action]}})
    assert refused(error)[0] == 400


def test_a_scope_map_has_at_most_500_actions(
    client: ContainerRegistryManagementClient, group: str, registry: str
) -> None:
    actions = [f"repositories/r{number}/content/read" for number in range(501)]
    with pytest.raises(HttpResponseError, match="500"):
        client.scope_maps.begin_create(group, registry, "map-long", {"properties": {"actions": actions}})


def test_what_every_registry_has_stays(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        client.scope_maps.begin_delete(group, registry, "_repositories_pull")
    assert refused(error)[0] == 400


def test_life_of_a_token(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    body = {"properties": {"scopeMapId": scope_map(client, group, registry, READ)}}
    made = client.tokens.begin_create(group, registry, "team-token", body).result()
    assert (made.properties.status, made.properties.credentials.passwords) == ("enabled", [])
    assert "team-token" in [found.name for found in client.tokens.list(group, registry)]
    changed = client.tokens.begin_update(group, registry, "team-token", {"properties": {"status": "disabled"}}).result()
    assert (changed.properties.status, changed.properties.scope_map_id) == ("disabled", made.properties.scope_map_id)
    client.tokens.begin_delete(group, registry, "team-token").result()
    with pytest.raises(ResourceNotFoundError):
        client.tokens.get(group, registry, "team-token")


def test_passwords_are_shown_once(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    body = {"properties": {"scopeMapId": scope_map(client, group, registry, READ)}}
    token = client.tokens.begin_create(group, registry, "team-passwords", body).result()
    generate = client.registries.begin_generate_credentials
    both = generate(group, registry, {"tokenId": token.id}).result()
    assert (both.username, [one.name for one in both.passwords]) == ("team-passwords", ["password1", "password2"])
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    one = generate(group, registry, {"tokenId": token.id, "name": "password2", "expiry": until.isoformat()}).result()
    assert [(found.name, found.expiry) for found in one.passwords] == [("password2", until)]
    assert one.passwords[0].value != both.passwords[1].value
    shown = client.tokens.get(group, registry, "team-passwords").properties.credentials.passwords
    assert [(found.name, found.expiry, found.value) for found in shown] == [
        ("password1", None, None),
        ("password2", until, None),
    ]
    # `az acr token credential delete` sends the passwords that stay
    kept = {"properties": {"credentials": {"passwords": [{"name": "password1"}]}}}
    left = client.tokens.begin_update(group, registry, "team-passwords", kept).result()
    assert [found.name for found in left.properties.credentials.passwords] == ["password1"]


def test_only_a_token_of_the_registry_gets_passwords(
    client: ContainerRegistryManagementClient, group: str, registry: str
) -> None:
    missing = f"{client.registries.get(group, registry).id}/tokens/nobody"
    with pytest.raises(HttpResponseError, match="nobody") as error:
        client.registries.begin_generate_credentials(group, registry, {"tokenId": missing})
    assert refused(error)[0] == 400


def test_an_expiry_is_in_the_future(client: ContainerRegistryManagementClient, group: str, registry: str) -> None:
    body = {"properties": {"scopeMapId": scope_map(client, group, registry, READ)}}
    token = client.tokens.begin_create(group, registry, "team-late", body).result()
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    with pytest.raises(HttpResponseError, match="future"):
        client.registries.begin_generate_credentials(group, registry, {"tokenId": token.id, "expiry": past})


def test_a_scope_map_of_another_registry_is_none(
    client: ContainerRegistryManagementClient, group: str, registry: str
) -> None:
    elsewhere = f"{client.registries.get(group, registry).id}x/scopeMaps/_repositories_pull"
    with pytest.raises(HttpResponseError, match="scopeMap"):
        client.tokens.begin_create(group, registry, "team-lost", {"properties": {"scopeMapId": elsewhere}})


def test_usages(client: ContainerRegistryManagementClient, group: str) -> None:
    name = f"cr{uuid4().hex[:12]}"
    client.registries.begin_create(group, name, {"location": "eastus", "sku": {"name": "Standard"}}).result()
    scope_map(client, group, name, READ)
    listed = {
        one.name: (one.current_value, one.limit, one.unit) for one in client.registries.list_usages(group, name).value
    }
    # container-registry-limits: 100 GiB, 10 webhooks, 500 scope maps and tokens in tier Standard
    assert listed["Size"] == (0, 100 * 2**30, "Bytes")
    assert (listed["ScopeMaps"], listed["Tokens"]) == ((1, 500, "Count"), (0, 500, "Count"))
