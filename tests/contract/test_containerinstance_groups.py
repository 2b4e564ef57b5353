"""azure-mgmt-containerinstance: whole lives of container groups whose images really run."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from azml_local import answering
from azml_local.tunnel import Tunnel
from tests.contract.clients import Clients, refused
from tests.support import oci
from tests.unit.local.support import until


@pytest.fixture(scope="module")
def registry(clients: Clients) -> Iterator[oci.Registry]:
    with oci.registry(clients.azure.home.certificates / "server.pem") as found:
        yield found


@pytest.fixture
def client(clients: Clients) -> ContainerInstanceManagementClient:
    return clients.of(ContainerInstanceManagementClient)


@pytest.fixture
def name() -> str:
    return f"ci-{uuid4().hex[:8]}"


def body(registry: oci.Registry, image: str = "", **changes: Any) -> dict[str, Any]:
    """A group of one container."""
    container = {
        "name": "web",
        "properties": {
            "image": image or registry.serving(),
            "ports": [{"port": 80}],
            "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}},
            "environmentVariables": [{"name": "GREETING", "value": "hi"}, {"name": "KEY", "secureValue": "s3cret"}],
        },
    }
    credential = {"server": registry.authority, "username": oci.USER, "password": oci.PASSWORD}
    properties = {
        "osType": "Linux",
        "containers": [container],
        "imageRegistryCredentials": [credential],
        "ipAddress": {"type": "Public", "ports": [{"port": 80, "protocol": "TCP"}]},
        **changes,
    }
    return {"location": "eastus", "properties": properties}


def ask(group: Any, path: str = "") -> dict[str, Any]:
    """Ask a group where its answer says that it is."""
    url = f"http://{group.ip_address.ip}:{group.ip_address.ports[0].port}/{path}"
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(f"nobody answers at {url}")


def by_name(clients: Clients, host: str) -> dict[str, Any]:
    """Ask a host as a command does that `azml local run` runs."""
    with Tunnel(clients.azure.url, clients.azure.home.root) as tunnel:
        through = urllib.request.build_opener(urllib.request.ProxyHandler({"http": tunnel.variables["HTTP_PROXY"]}))
        with through.open(f"http://{host}/", timeout=5) as answer:
            told: dict[str, Any] = json.load(answer)
            return told


def of_status(clients: Clients, name: str) -> dict[str, Any]:
    """What `azml local status` says of a group."""
    home, me = clients.azure.home, psutil.Process()
    with answering.store_of(home) as store:
        found = answering.container_groups(home, store, [me, *me.children(recursive=True)])
    return next(one for one in found if one["name"] == name)


def test_life(
    client: ContainerInstanceManagementClient, clients: Clients, registry: oci.Registry, group: str, name: str
) -> None:
    groups, answers = client.container_groups, []
    body_ = body(registry, ipAddress={"type": "Public", "ports": [{"port": 80}], "dnsNameLabel": f"l-{name}"})
    made = groups.begin_create_or_update(group, name, body_, raw_response_hook=answers.append).result()
    assert answers[0].http_response.status_code == 201
    assert (made.provisioning_state, made.instance_view.state, made.os_type) == ("Succeeded", "Running", "Linux")
    assert (made.ip_address.ip, made.ip_address.fqdn) == ("127.0.0.1", "127.0.0.1")
    assert made.restart_policy == "Always"
    variables = ask(made)["environ"]
    assert (variables["GREETING"], variables["KEY"]) == ("hi", "s3cret")
    assert by_name(clients, f"l-{name}.eastus.azurecontainer.io")["pid"] == ask(made)["pid"]
    with pytest.raises(urllib.error.HTTPError, match="not of the local Azure") as error:
        by_name(clients, f"l-{name}.westus.azurecontainer.io")
    error.value.close()
    (container,) = groups.get(group, name).containers
    assert [event.name for event in container.instance_view.events] == ["Pulling", "Pulled", "Created", "Started"]
    assert container.instance_view.current_state.state == "Running"
    assert container.ports[0].port == 80
    shown = json.dumps(groups.get(group, name).serialize(keep_readonly=True))
    assert "s3cret" not in shown
    assert oci.PASSWORD not in shown
    assert name in [found.name for found in groups.list_by_resource_group(group)]
    assert name in [found.name for found in groups.list()]
    pid, port = ask(made)["pid"], made.ip_address.ports[0].port
    seen = of_status(clients, name)
    assert (seen["state"], seen["restarts"], seen["addresses"]) == ("Running", 0, [f"127.0.0.1:{port}"])
    assert seen["image"] == made.containers[0].image
    assert seen["memory_mb"] == pytest.approx(psutil.Process(pid).memory_info().rss / 2**20, rel=0.5)
    tagged = groups.update(group, name, {"tags": {"a": "1"}})
    assert tagged.tags == {"a": "1"}
    assert ask(made)["pid"] == pid, "a PATCH restarts nothing"
    groups.begin_restart(group, name).result()
    until(lambda: groups.get(group, name).provisioning_state == "Succeeded")
    again = groups.get(group, name)
    assert ask(again)["pid"] != pid
    assert again.ip_address.ports[0].port == port
    groups.stop(group, name)
    until(lambda: groups.get(group, name).instance_view.state == "Stopped")
    assert of_status(clients, name)["state"] == "Stopped"
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
    until(lambda: groups.get(group, name).provisioning_state == "Succeeded")
    groups.begin_start(group, name).result()
    assert ask(groups.get(group, name))["environ"]["KEY"] == "s3cret"
    groups.begin_delete(group, name).result()
    with pytest.raises(ResourceNotFoundError) as gone:
        groups.get(group, name)
    assert refused(gone) == (404, "ResourceNotFound")


def test_an_update_in_place(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str
) -> None:
    """Another image is an update: same address, containers restarted (container-instances-update)."""
    groups = client.container_groups
    first = groups.begin_create_or_update(group, name, body(registry)).result()
    pid = ask(first)["pid"]
    changed = body(registry, registry.serving("diabetes:2", oci.ENTRY + "# changed\n"))
    second = groups.begin_create_or_update(group, name, changed).result()
    assert ask(second)["pid"] != pid
    assert second.ip_address.ports[0].port == first.ip_address.ports[0].port
    sent_back = groups.get(group, name).serialize(keep_readonly=True)
    sent_back["properties"]["imageRegistryCredentials"][0]["password"] = oci.PASSWORD
    third = groups.begin_create_or_update(group, name, sent_back).result()
    assert third.provisioning_state == "Succeeded", "an answer can be sent back, with its loopback ports"
    groups.begin_delete(group, name).result()


def test_a_group_in_a_subnet_and_a_zone(
    client: ContainerInstanceManagementClient, clients: Clients, registry: oci.Registry, group: str, name: str
) -> None:
    """Its address is private, and still of this machine."""
    network = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    subnet = f"{network}/virtualNetworks/vnet/subnets/aci"
    private = {"type": "Private", "ports": [{"port": 80}]}
    made = {**body(registry, subnetIds=[{"id": subnet}], ipAddress=private), "zones": ["2"]}
    found = client.container_groups.begin_create_or_update(group, name, made).result()
    assert ask(found)["pid"]
    assert (found.zones, found.ip_address.type, found.ip_address.fqdn) == (["2"], "Private", None)
    assert [one.id for one in found.subnet_ids] == [subnet]
    client.container_groups.begin_delete(group, name).result()


def test_a_spot_group(client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str) -> None:
    made = {**body(registry, priority="Spot"), "location": "westeurope"}
    del made["properties"]["ipAddress"]
    found = client.container_groups.begin_create_or_update(group, name, made).result()
    assert (found.priority, found.ip_address, found.instance_view.state) == ("Spot", None, "Running")
    client.container_groups.begin_delete(group, name).result()


@pytest.mark.parametrize(
    "change",
    [
        {"restartPolicy": "Never"},
        {"resources": {"requests": {"cpu": 2, "memoryInGB": 1.5}}},
        {"resources": {"requests": {"cpu": 1, "memoryInGB": 2}}},
        {"port": 8080},
    ],
    ids=["policy", "cpu", "memory", "ports"],
)
def test_what_an_update_cannot_change(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, change: dict[str, Any]
) -> None:
    name = "fixed"
    existing = [found.name for found in client.container_groups.list_by_resource_group(group)]
    if name not in existing:
        client.container_groups.begin_create_or_update(group, name, body(registry)).result()
    made = body(registry)
    (container,) = made["properties"]["containers"]
    if "resources" in change:
        container["properties"].update(change)
    elif "port" in change:
        container["properties"]["ports"] = [change]
        made["properties"]["ipAddress"]["ports"] = [change]
    else:
        made["properties"].update(change)
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, name, made)
    assert refused(error) == (400, "InvalidContainerGroupUpdate")
    assert f"The updates on container group '{name}' are invalid. If you are going to update" in error.value.message


def test_ports_that_can_change(
    client: ContainerInstanceManagementClient,
    registry: oci.Registry,
    group: str,
    name: str,
    settings: Callable[..., None],
) -> None:
    settings(container_ports_change="allowed")
    client.container_groups.begin_create_or_update(group, name, body(registry)).result()
    made = body(registry, ipAddress={"type": "Public", "ports": [{"port": 8080}]})
    made["properties"]["containers"][0]["properties"]["ports"] = [{"port": 8080}]
    ask(client.container_groups.begin_create_or_update(group, name, made).result())
    client.container_groups.begin_delete(group, name).result()


def test_logs(client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str) -> None:
    made = client.container_groups.begin_create_or_update(group, name, body(registry)).result()
    ask(made, "first")
    ask(made, "second")
    logs = client.containers.list_logs
    until(lambda: "asked /second" in logs(group, name, "web").content)
    assert logs(group, name, "web").content.splitlines() == ["starting hi", "asked /first", "asked /second"]
    assert logs(group, name, "web", tail=1).content == "asked /second\n"
    stamped = logs(group, name, "web", tail=1, timestamps=True).content
    assert stamped.endswith("Z asked /second\n")
    client.container_groups.stop(group, name)
    until(lambda: client.container_groups.get(group, name).instance_view.state == "Stopped")
    until(lambda: client.container_groups.get(group, name).provisioning_state == "Succeeded")
    assert "asked /first" in logs(group, name, "web").content
    with pytest.raises(ResourceNotFoundError):
        logs(group, name, "nobody")
    client.container_groups.begin_delete(group, name).result()


def test_volumes_and_identity(
    client: ContainerInstanceManagementClient, clients: Clients, registry: oci.Registry, group: str, name: str
) -> None:
    at = f"/subscriptions/{clients.subscription}/resourceGroups/{group}/providers"
    identity = f"{at}/Microsoft.ManagedIdentity/userAssignedIdentities/id-{name}"
    clients.of(ResourceManagementClient).resources.begin_create_or_update_by_id(
        identity, {"location": "eastus"}, api_version="2023-01-31"
    ).result()
    secret = {"token": base64.b64encode(b"of the volume").decode()}
    made = body(registry, volumes=[{"name": "secrets", "secret": secret}, {"name": "scratch", "emptyDir": {}}])
    made["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    told = made["properties"]["containers"][0]["properties"]
    told["volumeMounts"] = [
        {"name": "secrets", "mountPath": "/mnt/secrets", "readOnly": True},
        {"name": "scratch", "mountPath": "/mnt/scratch"},
    ]
    told["environmentVariables"] = [{"name": "TOKEN", "value": "/mnt/secrets/token"}]
    found = client.container_groups.begin_create_or_update(group, name, made).result()
    assert ask(found, "read/TOKEN")["content"] == "of the volume"
    assert found.identity.user_assigned_identities[identity].principal_id
    shown = client.container_groups.get(group, name).volumes
    assert not shown[0].secret
    client.container_groups.begin_delete(group, name).result()


def test_an_image_that_cannot_be_pulled(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str
) -> None:
    missing = f"{registry.authority}/nobody/has:1"
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, name, body(registry, missing)).result()
    assert error.value.error is not None
    assert error.value.error.code == "InaccessibleImage"
    text = f"The image '{missing}' in container group '{name}' is not accessible. Please check the image and registry"
    assert text in error.value.message
    found = client.container_groups.get(group, name)
    assert (found.provisioning_state, found.instance_view.state) == ("Failed", "Failed")
    events = [event.name for event in found.containers[0].instance_view.events]
    assert events == ["Pulling", "Failed", "BackOff"]
    again = client.container_groups.begin_create_or_update(group, name, body(registry)).result()
    assert again.provisioning_state == "Succeeded"
    client.container_groups.begin_delete(group, name).result()


def test_an_image_that_azml_did_not_make(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str
) -> None:
    foreign = body(registry, "mcr.microsoft.com/azuredocs/aci-helloworld")
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, name, foreign).result()
    assert error.value.error is not None
    assert error.value.error.code == "NotImplemented"
    events = client.container_groups.get(group, name).containers[0].instance_view.events
    assert events[-1].name == "Failed"
    assert "NotImplemented" in events[-1].message
    client.container_groups.begin_delete(group, name).result()


def test_a_container_that_ends(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str
) -> None:
    made = body(registry, restartPolicy="Never")
    made["properties"]["containers"][0]["properties"]["command"] = [
        oci.PYTHON,
        "-c",
        "print('done'); raise SystemExit(4)",
    ]
    client.container_groups.begin_create_or_update(group, name, made).result()
    until(lambda: client.container_groups.get(group, name).instance_view.state == "Failed")
    (container,) = client.container_groups.get(group, name).containers
    state = container.instance_view.current_state
    assert (state.state, state.exit_code, state.detail_status) == ("Terminated", 4, "Error")
    until(lambda: client.containers.list_logs(group, name, "web").content == "done\n")
    client.container_groups.begin_delete(group, name).result()


def test_a_console_is_not_emulated(
    client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str
) -> None:
    client.container_groups.begin_create_or_update(group, name, body(registry)).result()
    with pytest.raises(HttpResponseError) as error:
        client.containers.execute_command(group, name, "web", {"command": "/bin/sh"})
    assert refused(error) == (501, "NotImplemented")
    with pytest.raises(HttpResponseError) as error:
        client.containers.attach(group, name, "web")
    assert refused(error) == (501, "NotImplemented")
    client.container_groups.begin_delete(group, name).result()


def test_a_region(client: ContainerInstanceManagementClient, registry: oci.Registry, group: str, name: str) -> None:
    made = {**body(registry), "location": "westeurope"}
    client.container_groups.begin_create_or_update(group, name, made).result()
    used = {one.name.value: (one.current_value, one.limit) for one in client.location.list_usage("westeurope")}
    assert used == {"ContainerGroups": (1, 100), "StandardCores": (1, 100)}
    offers = list(client.location.list_capabilities("westeurope"))
    assert {(one.os_type, one.capabilities.max_cpu, one.capabilities.max_memory_in_gb) for one in offers} == {
        ("Linux", 31.0, 240.0)
    }
    client.container_groups.begin_delete(group, name).result()
