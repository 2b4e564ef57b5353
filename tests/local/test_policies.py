"""The policy pack on the real engine: raw azure-native programs, in previews and in updates.

The provider takes everything (`tests.support.taking_provider`): what is refused, the pack refuses.
"""

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support.policy_engine import PACK, ROOT, PolicyEngine

pytestmark = pytest.mark.engine

HEAD = """
import pulumi
from pulumi_azure_native import containerservice, kubernetesconfiguration, machinelearningservices as ml, resources

group = resources.ResourceGroup("g", resource_group_name="g")
FOUR = {"name": "a", "vm_size": "Standard_D3_v2", "count": 1}

def cluster(name, *pools, **more):
    return containerservice.ManagedCluster(
        name, resource_group_name=group.name, resource_name_=name, agent_pool_profiles=list(pools), **more)

def more_pools(name, made):
    return containerservice.AgentPool(
        name, resource_group_name=group.name, resource_name_=made.name, agent_pool_name=name,
        vm_size="Standard_D3_v2", count=1, enable_auto_scaling=True, min_count=2, max_count=5)

def attach(name, made, *waits):
    return ml.Compute(
        name, resource_group_name=group.name, workspace_name="w", compute_name=name,
        properties=ml.KubernetesArgs(compute_type="Kubernetes", resource_id=made.id),
        opts=pulumi.ResourceOptions(depends_on=list(waits)))

def extension(name, made):
    return kubernetesconfiguration.Extension(
        name, resource_group_name=group.name, cluster_name=made.name, cluster_rp="Microsoft.ContainerService",
        cluster_resource_name="managedClusters", extension_type="Microsoft.AzureML.Kubernetes")

def compute(name, count, size):
    return ml.Compute(name, resource_group_name="g", workspace_name="w", compute_name=name, properties=ml.AKSArgs(
        compute_type="AKS", properties=ml.AKSSchemaPropertiesArgs(agent_count=count, agent_vm_size=size)))

def endpoint(name):
    return ml.OnlineEndpoint(
        name, resource_group_name="g", workspace_name="w", endpoint_name=name,
        properties=ml.OnlineEndpointPropertiesArgs(auth_mode="Key", public_network_access="Disabled"))
"""
Finding = tuple[str, str, str, str]


class Program:
    """A Pulumi project with one program in it."""

    def __init__(self, folder: Path, engine: PolicyEngine) -> None:
        self.folder, self.engine = folder, engine
        options = {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}
        project = {"name": "raw", "runtime": {"name": "python", "options": options}}
        (folder / "Pulumi.yaml").write_text(json.dumps(project))
        engine.run(folder, "stack", "init")

    def write(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(HEAD + textwrap.dedent(text))

    def run(self, command: str, *arguments: str, pack: Path = PACK) -> tuple[bool, set[Finding], str]:
        """Whether it went well; resource, rule, level and word of each finding; everything that was said."""
        done, events = self.engine.with_pack(command, self.folder, *arguments, pack=pack)
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode == 0, set(map(_finding, events)), done.stdout + done.stderr

    @property
    def made(self) -> set[str]:
        """Names of the resources in the engine's state."""
        shown = json.loads(self.engine.run(self.folder, "stack", "export").stdout)
        return {each["urn"].rpartition("::")[2] for each in shown["deployment"].get("resources", [])}


def _finding(event: dict[str, Any]) -> Finding:
    title, said, remedy = event["message"].splitlines()
    assert title
    assert remedy.startswith("remedy: ")
    resource = event.get("resourceUrn", "").rpartition("::")[2]
    return resource, event["policyName"], event["enforcementLevel"], said.partition(":")[0]


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Program:
    made = PolicyEngine.make(tmp_path_factory.mktemp("engine"), engine)
    return Program(tmp_path_factory.mktemp("program"), made)


def test_a_preview_decides_once_it_is_known_what_belongs_to_what(program: Program) -> None:
    """Ids and counts that only the update knows, as outputs; what they are outputs of is known."""
    program.write("""
        attach("small", cluster("c1", FOUR | {"count": 2}))
        late = cluster("c2", FOUR)
        more_pools("p2", late)
        attach("unsure", late)
        waited = cluster("c3", FOUR)
        attach("enough", waited, more_pools("p3", waited))
        extension("dev", cluster("c4", FOUR, tags={"cluster_purpose": "DevTest"}))
        extension("prod", cluster("c5", FOUR))
        compute("counted-later", group.id.apply(lambda _: 2), "Standard_D3_v2")
        compute("fpga-sample", 1, "Standard_PB6s")
    """)
    well, found, text = program.run("preview")
    assert not well
    assert found == {
        ("small", "aks-12-vcpu", "mandatory", "refused"),
        ("unsure", "aks-12-vcpu", "advisory", "unknown"),
        ("prod", "aks-12-vcpu", "mandatory", "refused"),
        ("counted-later", "aks-12-vcpu", "advisory", "unknown"),
        ("fpga-sample", "aks-12-vcpu", "mandatory", "refused"),
    }
    assert "2 × Standard_D3_v2 (4 vCPU each) = 8 vCPU" in text
    assert "depends_on=[p2]" in text


def test_an_update_refuses_before_it_touches(program: Program) -> None:
    program.write("""
        made = cluster("c", FOUR)
        attach("attached", made)
        extension("ml", made)
        compute("counted-later", made.id.apply(lambda _: 2), pulumi.Output.secret("Standard_D3_v2"))
    """)
    well, found, _ = program.run("up", "--yes", "--skip-preview")
    assert not well
    assert found
    assert {finding[1:] for finding in found} == {("aks-12-vcpu", "mandatory", "refused")}
    assert program.made >= {"g", "c"}
    assert not program.made & {"attached", "ml", "counted-later"}
    program.write("""
        made = cluster("c", FOUR | {"count": 3})
        attach("attached", made)
        compute("counted-later", made.id.apply(lambda _: 3), "Standard_D3_v2")
    """)
    assert program.run("up", "--yes", "--skip-preview")[:2] == (True, set())
    assert program.made >= {"attached", "counted-later"}


def test_stage_configuration_and_waivers(program: Program, tmp_path: Path) -> None:
    program.write("""
        endpoint("waived")
        endpoint("expired")
        endpoint("open")
    """)
    config = tmp_path / "policies.json"

    def preview(settings: dict[str, Any], pack: Path = PACK) -> tuple[bool, set[Finding], str]:
        config.write_text(json.dumps(settings))
        return program.run("preview", "--policy-pack-config", str(config), pack=pack)

    waiver = {
        "rule": "key-auth",
        "resource": "waived",
        "owner": "risk",
        "reason": "old client",
        "expires": "2999-12-31",
    }
    waivers = [
        waiver, waiver | {"resource": "expired", "expires": "2020-01-01"}, waiver | {"resource": "nobody"},
    ]  # fmt: skip
    well, found, text = preview({"pack": {"waivers": waivers}, "key-atuh": "advisory"})
    assert not well
    assert found == {
        ("waived", "key-auth", "advisory", "waived"),
        ("expired", "key-auth", "mandatory", "refused"),
        ("open", "key-auth", "mandatory", "refused"),
        ("raw-dev", "pack", "mandatory", "refused"),
    }
    for said in ("for expired expired on 2020-01-01", "for nobody waives nothing", "did you mean key-auth?"):
        assert said in text
    well, found, text = preview({"pack": {"waivers": [{"rule": "key-auth"}]}})
    assert (well, found) == (False, set())  # by the schema: the engine itself says what is missing
    assert "owner" in text
    # A level in the configuration is meant; without one it is the stage's. As the program that a wheel installs.
    program.engine.run(program.folder, "config", "set", "policies:stage", "dev")
    wheel = ROOT / ".venv" / "bin" / "azml-policies"
    well, found, _ = preview({"pack": {"waivers": [waiver]}}, wheel)
    assert well
    assert {finding[2:] for finding in found} == {("advisory", "waived"), ("advisory", "advice")}
    well, found, _ = preview({"key-auth": "mandatory"})
    assert not well
    assert {finding[2:] for finding in found} == {("mandatory", "refused")}
