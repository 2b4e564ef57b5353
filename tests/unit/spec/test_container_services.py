"""Container services: every limit of Azure Container Instances is a located error, and nothing else is refused.

Expected limits: container-instances-resource-and-quota-limits.md, -faq.yml, -container-groups.md,
-spot-containers-overview.md (2025-11-17), -virtual-network-concepts.md and -troubleshooting.md (2026-07-25), -gpu.md;
words of the first SDK: azureml-core 1.61, `AciWebservice.deploy_configuration`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from azml.spec import SpecError, StackSpec, missing_secrets
from azml.spec.container_service import ContainerServiceSpec
from azml.spec.errors import Problem
from azml.spec.stack_file import assemble
from tests.unit.spec.conftest import HEAD, Project

PATH = "container_services.diabetes-test"
GROUP = "/subscriptions/s/resourceGroups/g/providers"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/aci"
SPOT = {"priority": "spot", "location": "westus"}


def service(**fields: Any) -> ContainerServiceSpec:
    return ContainerServiceSpec.from_args({"name": "diabetes-test", "image": "diabetes:1", **fields})


def wrong(fields: Mapping[str, Any]) -> list[Problem]:
    try:
        service(**fields)
    except SpecError as error:
        return error.problems
    return []


def estate(body: str, before: str = "") -> str:
    return HEAD + before + "container_services:\n- {name: diabetes-test, image: 'diabetes:1', " + body + "}\n"


WITH_REGISTRY = "container_registry: {name: crrisk}\n"


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({"cpu": 0.5}, "cpu", "1 or more"),
        ({"cpu": 32}, "cpu", "at most 31"),
        ({"memory_gb": 0.9}, "memory_gb", "1 or more"),
        ({"memory_gb": 241}, "memory_gb", "at most 240"),
        ({**SPOT, "cpu": 5}, "cpu", "at most 4 cores"),
        ({**SPOT, "memory_gb": 17}, "memory_gb", "at most 16 GB"),
        ({"priority": "spot", "location": "northeurope"}, "location", "eastus2, westeurope, westus"),
        ({**SPOT, "subnet": SUBNET}, "subnet", "no virtual network"),
        ({**SPOT, "dns_name_label": "diabetes"}, "dns_name_label", "no address"),
        ({**SPOT, "zones": ["1"]}, "zones", "choose no zone"),
        ({**SPOT, "gates": {"smoke": []}, "auth_mode": "none"}, None, ""),
        ({"subnet": SUBNET, "dns_name_label": "diabetes"}, "dns_name_label", "in a subnet has no address"),
        ({"subnet": f"{GROUP}/Microsoft.Network/virtualNetworks/v"}, "subnet", "virtualNetworks/NAME/subnets/NAME"),
        ({"zones": ["1", "2"]}, "zones", "one zone"),
        ({"zones": ["4"]}, "zones.[0]", "1, 2, 3"),
        ({"name": "Diabetes"}, "name", "lower case"),
        ({"name": "a--b"}, "name", "single dashes"),
        ({"name": "a" * 64}, "name", "is 64 characters long"),
        ({"name": "-a"}, "name", "not at the ends"),
        ({"dns_name_label": "abcd"}, "dns_name_label", "5 to 63 characters"),
        ({"dns_name_label": "a" * 64}, "dns_name_label", "5 to 63 characters"),
        ({"dns_name_label": "abcd_"}, "dns_name_label", "inner dashes"),
        ({"environment_variables": {"A-B": "1"}}, "environment_variables.A-B", "underscores"),
        ({"environment_variables": {"A" * 64: "1"}}, f"environment_variables.{'A' * 64}", "1 to 63 characters"),
        ({"environment_variables": {"AZML_PORT": "1"}}, "environment_variables.AZML_PORT", "azml's own"),
        (
            {"environment_variables": {"A": {"key_vault": "https://kv.vault.azure.net/secrets/x"}}},
            "environment_variables.A",
            "do not resolve",
        ),
        ({"port": 0}, "port", "1 or more"),
        ({"port": 65536}, "port", "at most 65535"),
        ({"auth_mode": "none", "primary_key": {"secret": "k"}}, "primary_key", "auth_mode: none"),
        ({"auth_mode": "aad_token"}, "auth_mode", "key, none"),
        ({"image": "Diabetes:1"}, "image", "did you mean diabetes:1?"),
        ({"image": "cr.azurecr.io/diabetes"}, "image", "no tag and no digest"),
        ({"image": "diabetes@sha256:abc"}, "image", "names no image"),
        ({"gpu": 1}, "gpu", "retired 2025-07-14"),
        ({"instance_count": 2}, "instance_count", "one instance"),
        ({"cpu_cores": 1}, "cpu_cores", "write cpu"),
        ({"vnet_name": "v"}, "vnet_name", "write subnet"),
        ({"model": "azureml:m:1"}, "model", "belongs to the image"),
        ({"traffic": {"blue": 100}}, "traffic", "one release"),
        ({"gates": {"max_error_rate": 0.1}}, "gates.max_error_rate", "only an online endpoint has"),
        ({"gates": {"latency_p95_ms": 100}}, "gates.latency_p95_ms", "nothing is there to send"),
        ({"request_settings": {"request_timeout_ms": 180_001}}, "request_settings.request_timeout_ms", "180000"),
        ({"liveness_probe": {"path": "/"}}, "liveness_probe.path", "where it listens"),
        ({"restart_policy": "sometimes"}, "restart_policy", "always, on_failure, never"),
        ({"cpu": True}, "cpu", "not true or false"),
        ({"cpu": "two"}, "cpu", "must be a number"),
        ({"ssl": {"cname": "models.contoso.com"}}, "ssl.cert_file", "is missing"),
        ({"sll": 1}, "sll", "did you mean ssl?"),
    ],
    ids=str,
)
def test_what_container_instances_refuse(fields: dict[str, Any], at: str | None, words: str) -> None:
    found = {problem.path: str(problem) for problem in wrong(fields)}
    if at is None:
        assert found == {}
        return
    if at.startswith("ssl"):
        assert {"ssl.cert_file", "ssl.key_file"} == set(found)
    else:
        assert [*found] == [at]
    assert words in found[at]


@pytest.mark.parametrize(
    "fields",
    [
        {"cpu": 1, "memory_gb": 1},
        {"cpu": 31, "memory_gb": 240},
        {"cpu": "1.5", "memory_gb": "2"},
        {"priority": "Spot", "location": "East US 2", "cpu": 4, "memory_gb": 16},
        {"subnet": SUBNET, "zones": [1]},
        {"name": "a"},
        {"name": "a" * 63, "dns_name_label": "Abcde"},
        {"image": f"cr.azurecr.io/team/diabetes@sha256:{'0' * 64}"},
        {"image": "localhost:5000/diabetes:v1.2"},
        {"environment_variables": {"_a9": 1, "B": {"secret": "s"}}, "primary_key": {"secret": "k"}},
        {"auth_mode": "None", "restart_policy": "OnFailure", "app_insights_enabled": "yes"},
        {"identity": {"type": "system_assigned,user_assigned", "user_assigned_identities": [
            {"resource_id": f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/u"}]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_container_instances_take(fields: dict[str, Any]) -> None:
    assert [str(problem) for problem in wrong(fields)] == []


RESERVED = {
    22, *range(1025, 1028), *range(3389, 3400), 9999, 19000, 19080, 19100, 19390, *range(20000, 30001),
    *range(49152, 65535),
}  # fmt: skip
"""Frequently asked questions: ports reserved for service functionality."""


REFUSED = RESERVED | {*range(1, 1024)}
EDGES = [port for port in range(1, 65536) if len({port + side in REFUSED for side in (-1, 0, 1)}) > 1]
"""Where ports that are refused begin and end: what is drawn by chance seldom hits one."""


@pytest.mark.parametrize("port", [1, *EDGES, 65535])
def test_exactly_the_reserved_ports_and_those_of_root_are_refused(port: int) -> None:
    assert ([problem.path for problem in wrong({"port": port})] == ["port"]) is (port in REFUSED)


def test_what_is_not_said() -> None:
    made = service()
    assert (made.cpu, made.memory_gb, made.listens_on, made.auth_mode) == (1, 1.5, 5001, "key")
    assert (made.priority, made.restart_policy, made.has_address, made.zones) == ("regular", "always", True, [])


@pytest.fixture(name="pem")
def _pem(tmp_path: Path) -> dict[str, str]:
    leaf, other = (trustme.CA().issue_cert("models.contoso.com") for _ in range(2))
    for name, one in (("leaf", leaf), ("other", other)):
        one.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "leaf.pem")
    return {"cert_file": str(tmp_path / "leaf.pem"), "key_file": str(tmp_path / "leaf.key")}


def test_a_certificate_with_its_key(pem: dict[str, str]) -> None:
    made = service(ssl={**pem, "cname": "models.contoso.com"})
    assert (made.listens_on, wrong({"ssl": {**pem, "key_file": {"secret": "k"}, "cname": "models.contoso.com"}})) == (
        8443,
        [],
    )
    assert service(ssl={**pem, "cname": "models.contoso.com"}, port=9443).listens_on == 9443


def test_a_certificate_with_another_key(pem: dict[str, str]) -> None:
    (problem,) = wrong({"ssl": {**pem, "key_file": pem["key_file"].replace("leaf", "other"), "cname": "a.b"}})
    assert (problem.path, problem.what) == ("ssl.key_file", "is not the key of the certificate: KEY_VALUES_MISMATCH")


def test_a_certificate_for_another_name(pem: dict[str, str]) -> None:
    (problem,) = wrong({"ssl": {**pem, "cname": "models.contoso.org"}})
    assert (problem.path, problem.value) == ("ssl.cname", "models.contoso.org")
    assert problem.what.startswith("is not a name that leaf.pem is for")


def test_a_certificate_for_many_names_or_of_another_time(tmp_path: Path) -> None:
    """What it is for counts, not until when: a stack file is as good tomorrow as it is today."""
    over = trustme.CA().issue_cert("*.contoso.com", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    over.private_key_pem.write_to_path(tmp_path / "leaf.key")
    over.cert_chain_pems[0].write_to_path(tmp_path / "leaf.pem")
    pem = {"cert_file": str(tmp_path / "leaf.pem"), "key_file": str(tmp_path / "leaf.key")}
    assert service(ssl={**pem, "cname": "models.contoso.com"}).ssl is not None
    (problem,) = wrong({"ssl": {**pem, "cname": "a.models.contoso.com"}})
    assert problem.path == "ssl.cname"


def test_a_certificate_with_a_remark_and_a_name_that_dns_cannot_have(pem: dict[str, str]) -> None:
    """Tools write names into PEM files, in any alphabet; a label has at most 63 letters (RFC 1035)."""
    file = Path(pem["cert_file"])
    file.write_bytes("# Größe\n".encode() + file.read_bytes())
    assert service(ssl={**pem, "cname": "models.contoso.com"}).ssl is not None
    (problem,) = wrong({"ssl": {**pem, "cname": f"{'a' * 63}.contoso.com"}})
    assert problem.what.startswith("is not a name that leaf.pem is for")
    (problem,) = wrong({"ssl": {**pem, "cname": f"{'a' * 64}.contoso.com"}})
    assert (problem.path, problem.allowed) == ("ssl.cname", "a DNS name with a dot, such as models.contoso.com")


def test_a_file_that_is_no_certificate(pem: dict[str, str]) -> None:
    (problem,) = wrong({"ssl": {**pem, "cert_file": pem["key_file"], "cname": "a.b"}})
    assert (problem.path, problem.what[:23]) == ("ssl.cert_file", "is no PEM certificate: ")
    (problem,) = wrong({"ssl": {**pem, "cname": "localhost"}})
    assert (problem.path, problem.allowed) == ("ssl.cname", "a DNS name with a dot, such as models.contoso.com")


def test_a_problem_is_located(project: Project) -> None:
    problem = project.problem(estate("cpu: 0.1", WITH_REGISTRY))
    assert (problem.path, project.source(problem)) == (f"{PATH}.cpu", "0.1}")


def test_images_are_the_estates_or_exist(project: Project) -> None:
    problem = project.problem(estate("port: 8080").replace("'diabetes:1'", "diabets"))
    assert problem.path == f"{PATH}.image"
    assert problem.what == "is no image of container_registry.images, and names no tag or digest of another one"
    assert project.problem(estate("port: 8080")).what == "names no registry, and the estate has none"
    assert project.load(estate("port: 8080", WITH_REGISTRY)).container_services[0].image == "diabetes:1"
    project.load(estate("port: 8080").replace("'diabetes:1'", "'mcr.microsoft.com/x:1'"))


def test_an_image_of_the_estate(project: Project) -> None:
    for name in ("model/m", "code/score.py"):
        project.write(name, "def run(): pass")
    project.write("conda.yml", "dependencies: []")
    images = (
        "container_registry:\n  name: crrisk\n  images:\n  - name: diabetes\n    model: {path: model}\n"
        "    environment: {conda_file: conda.yml}\n"
        "    code_configuration: {code: code, scoring_script: score.py}\n"
    )
    assert project.load(estate("port: 8080", images).replace("'diabetes:1'", "diabetes"))
    problem = project.problem(estate("port: 8080", images).replace("'diabetes:1'", "diabets"))
    assert (problem.allowed, problem.fix) == ("diabetes", "did you mean diabetes?")


@pytest.mark.parametrize(
    "others", ["- {name: diabetes-test, image: 'd:2'}", "- {name: diabetes-test-trial, image: 'd:2'}"]
)
def test_every_name_once(project: Project, others: str) -> None:
    assert project.problem(estate("port: 8080", WITH_REGISTRY) + others).path.endswith(".name")


def test_an_endpoint_has_another_name(project: Project) -> None:
    before = WITH_REGISTRY + "online_endpoints: [{name: diabetes-test}]\n"
    problem = project.problem(estate("port: 8080", before))
    assert (problem.path, problem.what) == (f"{PATH}.name", "is the name of online endpoint diabetes-test too")


def test_spot_is_where_the_workspace_is(project: Project) -> None:
    problem = project.problem(estate("priority: spot", WITH_REGISTRY))
    assert (problem.path, problem.value) == (f"{PATH}.priority", "eastus")
    assert project.load(estate("priority: spot, location: westus", WITH_REGISTRY))


def test_a_service_needs_a_workspace(project: Project) -> None:
    text = estate("port: 8080").replace(HEAD, "stage: dev\n").replace("diabetes:1", "cr.azurecr.io/d:1")
    assert project.problem(text).what == "need a workspace to live in"


def test_secrets_that_the_stack_has_no_value_for(project: Project) -> None:
    text = estate("primary_key: {secret: one}, environment_variables: {A: {secret: two}}", WITH_REGISTRY)
    project.stack(text)
    tree = assemble(project.folder, "dev")
    spec = project.load(text)
    assert isinstance(spec, StackSpec)
    found = {problem.path: problem.value for problem in missing_secrets(project.folder, "dev", tree, spec)}
    assert found == {f"{PATH}.primary_key.secret": "one", f"{PATH}.environment_variables.A.secret": "two"}


@given(st.dictionaries(st.sampled_from(sorted(ContainerServiceSpec.model_fields)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2), max_leaves=4),
    max_size=4))  # fmt: skip
def test_anything_is_taken_or_located(fields: dict[str, Any]) -> None:
    """A wrong type, null, a value from elsewhere: a problem with a path below the block, never an exception."""
    for problem in wrong(fields):
        assert problem.path
        assert str(problem).startswith("error: ")
