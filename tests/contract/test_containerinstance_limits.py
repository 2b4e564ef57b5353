"""azure-mgmt-containerinstance: what Container Instances refuses at once.

Numbers: container-instances-resource-and-quota-limits, -container-groups and -faq (2025-11-17), -troubleshooting
(2026-07-25). Codes that nobody has shown are `InvalidContainerGroup` here.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerinstance import ContainerInstanceManagementClient

from tests.contract.clients import Clients, refused

SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"


@pytest.fixture
def client(clients: Clients) -> ContainerInstanceManagementClient:
    return clients.of(ContainerInstanceManagementClient)


def container(name: str = "web", cpu: float = 1, memory: float = 1.5, **more: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu, "memoryInGB": memory}}
    return {"name": name, "properties": {"image": "mcr.microsoft.com/x:1", "resources": resources, **more}}


def body(*containers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"location": "eastus", "properties": {"osType": "Linux", "containers": list(containers), **changes}}


def open_(*ports: int, type_: str = "Public", **more: Any) -> dict[str, Any]:
    return {"type": type_, "ports": [{"port": port} for port in ports], **more}


def with_ports(*ports: int, **more: Any) -> dict[str, Any]:
    return container(ports=[{"port": port} for port in ports], **more)


def gpu(count: int) -> dict[str, Any]:
    return {"requests": {"cpu": 1, "memoryInGB": 1, "gpu": {"count": count, "sku": "V100"}}}


MOUNT = {"name": "scratch", "mountPath": "/mnt"}
SCRATCH = {"name": "scratch", "emptyDir": {}}
REFUSED = {
    "container name": (body(container("Web")), "InvalidContainerName", "The container name 'Web' in container group"),
    "two of one name": (body(container(), container()), "", "'web' is there more than once"),
    "no image": (body(container(image=None)), "", "must have an image"),
    "61 containers": (body(*(container(f"c{n}", 0.1, 0.1) for n in range(61))), "", "1 to 60 containers"),
    "no resources": (body({"name": "a", "properties": {"image": "x"}}), "", "resources.requests"),
    "too few cores": (body(container(cpu=0.5)), "", "request 0.5 CPU; a group must have 1 to 31"),
    "too many cores": (body(container(cpu=32)), "", "request 32 CPU"),
    "too little memory": (body(container(memory=0.5)), "", "0.5 GB of memory; a group must have 1 to 240"),
    "too much memory": (body(container(memory=241)), "", "241 GB"),
    "limit below request": (
        body(container(resources={"requests": {"cpu": 2, "memoryInGB": 2}, "limits": {"cpu": 1}})),
        "", "less than the 2",
    ),
    "spot too large": (body(container(cpu=5), priority="Spot"), "", "1 to 4"),
    "spot elsewhere": (body(container(), priority="Spot"), "", "Spot container groups are not available in 'eastus'"),
    "spot in a subnet": (
        body(container(), priority="Spot", subnetIds=[{"id": SUBNET}]), "", "cannot be in a virtual network",
    ),
    "spot with an address": (
        body(with_ports(80), priority="Spot", ipAddress=open_(80)), "", "Spot container group has no IP address",
    ),
    "gpu": (body(container(resources=gpu(1))), "ContainerGroupQuotaReached", "quota 'V100Cores' exceeded"),
    "no ports": (body(container(), ipAddress=open_()), "MissingIpAddressPorts", "cannot be empty"),
    "6 ports": (body(with_ports(*range(81, 87)), ipAddress=open_(*range(81, 87))), "", "6 ports; the maximum is 5"),
    "a port that no container has": (body(with_ports(80), ipAddress=open_(443)), "", "Port 443 of the 'ipAddress'"),
    "a port of two": (body(with_ports(80), with_ports(80, name="b")), "", "declared by more than one container"),
    "a reserved port": (body(with_ports(22), ipAddress=open_(22)), "", "Port 22 is reserved"),
    "another": (body(with_ports(25000), ipAddress=open_(25000)), "", "Port 25000 is reserved"),
    "no port": (body(with_ports(70000)), "", "Port 70000 is none"),
    "private without subnet": (
        body(with_ports(80), ipAddress=open_(80, type_="Private")), "PrivateIPAddressNotSupported", "network profile",
    ),
    "public in a subnet": (
        body(with_ports(80), ipAddress=open_(80), subnetIds=[{"id": SUBNET}]), "", "no public IP address",
    ),
    "label of a private": (
        body(with_ports(80), subnetIds=[{"id": SUBNET}], ipAddress=open_(80, type_="Private", dnsNameLabel="label")),
        "", "needs an 'ipAddress' of type Public",
    ),
    "short label": (body(with_ports(80), ipAddress=open_(80, dnsNameLabel="four")), "", "The DNS name label 'four'"),
    "variable": (body(container(environmentVariables=[{"name": "a-b", "value": ""}])), "", "'a-b'"),
    "21 volumes": (
        body(container(), volumes=[{"name": f"volume{n}", "emptyDir": {}} for n in range(21)]), "", "maximum is 20",
    ),
    "volume name": (body(container(), volumes=[{"name": "four", "emptyDir": {}}]), "", "The volume name 'four'"),
    "empty volume": (body(container(), volumes=[{"name": "scratch"}]), "", "must have one of"),
    "unknown volume": (body(container(volumeMounts=[MOUNT])), "", "mounts the volume 'scratch', which there is not"),
    "mount path": (
        body(container(volumeMounts=[{**MOUNT, "mountPath": "mnt"}]), volumes=[SCRATCH]), "", "The mountPath 'mnt'",
    ),
    "secret": (body(container(), volumes=[{"name": "secrets", "secret": {"a": "no base64!"}}]), "", "must be base64"),
    "registry server": (
        body(container(), imageRegistryCredentials=[{"server": "https://x", "username": "u", "password": "p"}]),
        "InvalidImageRegistryServer", "is invalid. It should be a valid host name without protocol.",
    ),
    "probe": (body(container(livenessProbe={"periodSeconds": 0})), "", "must have one of exec and httpGet"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(client: ContainerInstanceManagementClient, group: str, case: str) -> None:
    made, code, text = REFUSED[case]
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, "limits", made)
    assert refused(error) == (400, code or "InvalidContainerGroup")
    assert text in error.value.message


def test_names(client: ContainerInstanceManagementClient, group: str) -> None:
    for name in ("Upper", "two--dashes", "-first", "a" * 64):
        with pytest.raises(HttpResponseError) as error:
            client.container_groups.begin_create_or_update(group, name, body(container()))
        assert refused(error)[0] == 400, name


def test_all_problems_at_once(client: ContainerInstanceManagementClient, group: str) -> None:
    made = body(with_ports(22, cpu=40), ipAddress=open_(443))
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, "limits", made)
    for text in ("Port 22 is reserved", "request 40 CPU", "Port 443"):
        assert text in error.value.message


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"osType": "Windows"}, "Windows containers"),
        ({"sku": "Confidential"}, "sku Confidential"),
        ({"volumes": [{"name": "share", "azureFile": {"shareName": "a", "storageAccountName": "b"}}]}, "azureFile"),
        ({"volumes": [{"name": "clone", "gitRepo": {"repository": "https://x"}}]}, "gitRepo"),
        ({"imageRegistryCredentials": [{"server": "x", "identityUrl": "https://x"}]}, "identityUrl"),
    ],
    ids=["windows", "confidential", "azureFile", "gitRepo", "identityUrl"],
)
def test_not_emulated(client: ContainerInstanceManagementClient, group: str, change: dict[str, Any], what: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, "limits", body(container(), **change))
    assert refused(error) == (501, "NotImplemented")
    assert what in error.value.message


def test_quota(client: ContainerInstanceManagementClient, group: str, settings: Callable[..., None]) -> None:
    settings(container_cores=2)
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(
            group, "limits", {**body(container(cpu=3)), "location": "uksouth"}
        )
    assert refused(error) == (400, "ContainerGroupQuotaReached")
    assert (
        "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota 'StandardCores' exceeded in "
        "region 'uksouth'. Limit: '2', Usage: '0' Requested: '3'."
    ) in error.value.message
    settings(container_groups=0)
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, "limits", {**body(container()), "location": "uksouth"})
    assert "quota 'ContainerGroups' exceeded" in error.value.message


@pytest.mark.parametrize(
    ("limit", "text"),
    [("container_writes_per_hour", "1 in 60 minutes"), ("container_writes_per_5_minutes", "1 in 5 minutes")],
)
def test_not_too_often(
    client: ContainerInstanceManagementClient, group: str, settings: Callable[..., None], limit: str, text: str
) -> None:
    """Refused where it was once too often: the next group, and the next deletion, of a region in that time."""
    settings(**{limit: 1})
    region = {"container_writes_per_hour": "japaneast", "container_writes_per_5_minutes": "japanwest"}[limit]
    made = {**body(container()), "location": region}
    groups = client.container_groups
    with pytest.raises(HttpResponseError):
        groups.begin_create_or_update(group, "first", made).result()
    with pytest.raises(HttpResponseError) as error:
        groups.begin_create_or_update(group, "second", made, retry_total=0)
    assert refused(error) == (429, "TooManyRequests")
    assert f"creates in region '{region}' are limited to {text}" in error.value.message
    assert error.value.response is not None
    assert 200 < int(error.value.response.headers["Retry-After"]) <= 3600
    with pytest.raises(HttpResponseError):
        groups.begin_create_or_update(group, "first", made).result()  # an update
    groups.begin_delete(group, "first").result()
    settings()
    with pytest.raises(HttpResponseError):
        groups.begin_create_or_update(group, "first", made).result()
    settings(**{limit: 1})
    with pytest.raises(HttpResponseError) as error:
        groups.begin_delete(group, "first", retry_total=0)
    assert refused(error) == (429, "TooManyRequests")
    settings()
    groups.begin_delete(group, "first").result()


def test_a_label_is_taken_once_in_a_region(client: ContainerInstanceManagementClient, group: str) -> None:
    """The first one's image cannot run here; its label is taken all the same."""
    label = f"label-{uuid4().hex[:8]}"
    made = body(with_ports(80), ipAddress=open_(80, dnsNameLabel=label))
    with pytest.raises(HttpResponseError):
        client.container_groups.begin_create_or_update(group, "one", made).result()
    with pytest.raises(HttpResponseError) as error:
        client.container_groups.begin_create_or_update(group, "other", made)
    assert refused(error) == (400, "DnsNameLabelAlreadyTaken")
    assert f"The DNS name label '{label}' in container group 'other' is not available." in error.value.message
    client.container_groups.begin_delete(group, "one").result()
