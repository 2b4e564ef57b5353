"""A registry of another subscription, where the stack would need tokens, is said with its line before anything runs."""

import pytest

from azml.spec import Problem, assemble, elsewhere, judge
from tests.unit.spec.conftest import HEAD, Project

OWN, OTHER = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "ab")
REGISTRY = "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/crshared"
IMAGE = (
    "  images: [{name: churn, model: {path: m.bin}, environment: {conda_file: conda.yml},\n"
    "    code_configuration: {code: code, scoring_script: score.py}}]\n"
)


def found(project: Project, estate: str, more: str = f"azure-native:subscriptionId: {OWN}") -> list[Problem]:
    project.write("m.bin", "model")
    project.write("conda.yml", "dependencies: [python=3.11]\n")
    project.write("code/score.py")
    file = project.stack(HEAD + estate)
    file.write_text(f"{file.read_text()}  {more}\n")
    tree = assemble(project.folder, "dev")
    return list(elsewhere(project.folder, "dev", tree, judge(tree)))


def block(subscription: str) -> str:
    return f"container_registry:\n  existing: {REGISTRY.format(subscription)}\n"


def service(image: str) -> str:
    return f"container_services: [{{name: churn, image: '{image}', cpu: 1, memory_gb: 1}}]\n"


@pytest.mark.parametrize("more", [IMAGE, service("made:1")], ids=["built", "pulled"])
def test_it_is_said_where_the_registry_is_named(project: Project, more: str) -> None:
    (problem,) = found(project, block(OTHER) + more)
    lines = (project.folder / "Pulumi.dev.yaml").read_text().splitlines()
    assert problem.line is not None
    assert lines[problem.line - 1].strip() == f"existing: {REGISTRY.format(OTHER)}"
    assert problem.path == "container_registry.existing"
    assert (problem.value, OWN in str(problem.allowed)) == (REGISTRY.format(OTHER), True)
    assert "HOST/NAME@sha256:DIGEST" in str(problem.fix)


@pytest.mark.parametrize(
    ("estate", "config"),
    [
        (block(OWN.upper()) + IMAGE, f"azure-native:subscriptionId: {OWN}"),
        (block(OTHER), f"azure-native:subscriptionId: {OWN}"),
        (block(OTHER) + service("theirs.azurecr.io/made:1"), f"azure-native:subscriptionId: {OWN}"),
        (block(OTHER) + IMAGE, "azure-native:location: eastus"),
        (block(OTHER) + IMAGE, "azure-native:subscriptionId: {secure: v1:abc=}"),
        (service("theirs.azurecr.io/made:1"), f"azure-native:subscriptionId: {OWN}"),
    ],
    ids=["its own", "no token", "no token to pull", "not in the file", "encrypted", "none at all"],
)
def test_everything_else_is_left_alone(project: Project, estate: str, config: str) -> None:
    assert found(project, estate, config) == []
