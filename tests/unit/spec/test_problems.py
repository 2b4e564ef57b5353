"""What a person reads when an estate is wrong: the place, the words, the way out."""

from pathlib import Path

import pytest

from azml.spec import AssetReference
from tests.unit.spec.conftest import HEAD, Project

BLUE = "instance_type: Standard_DS3_v2, model: 'azureml:m:1', environment: 'azureml:e:1'"


def endpoint(text: str = "") -> str:
    return HEAD + f"online_endpoints:\n  - name: churn\n    deployments:\n      - {{name: blue, {BLUE}{text}}}\n"


@pytest.mark.parametrize(
    ("estate", "source", "path", "what", "fix"),
    [
        ("stage: staging\n", "staging", "stage", "is not known here", None),
        ("stage: prd\n", "prd", "stage", "is not known here", "did you mean prod?"),
        ("tags: {}\n", "risk:estate:", "stage", "is missing", "add stage"),
        (HEAD + "tag: {}\n", "tag: {}", "tag", "there is no such key", "did you mean tags?"),
        (HEAD + "tags: x\n", "x", "tags", "must be a map", "write its fields below it, indented"),
        (HEAD + "models: {}\n", "models: {}", "models", "must be a list", "begin each item with a dash"),
        (HEAD + "models: [x]\n", "x]", "models.[0]", "must be a map", "write its fields below it, indented"),
        (HEAD + "description: x\n", "description: x", "description", "there is no such key", None),
        (
            HEAD + "batch_endpoints: []\n",
            "batch_endpoints: []",
            "batch_endpoints",
            "there is no such key: it comes with a later release",
            None,
        ),
        (
            HEAD + "online_endpoints: [{name: churn, instance_count: 2}]\n",
            "instance_count: 2}]",
            "online_endpoints.churn.instance_count",
            "there is no such key here",
            "it belongs in deployments, further in",
        ),
        (
            endpoint(", auth_mode: key"),
            "auth_mode: key}",
            "online_endpoints.churn.deployments.blue.auth_mode",
            "there is no such key here",
            "it belongs to online_endpoints.churn, further out",
        ),
        (
            endpoint(", instance_cuont: 2"),
            "instance_cuont: 2}",
            "online_endpoints.churn.deployments.blue.instance_cuont",
            "there is no such key",
            "did you mean instance_count?",
        ),
        (
            endpoint(", compute: k8s"),
            "compute: k8s}",
            "online_endpoints.churn.deployments.blue.compute",
            "there is no such key: that is a deployment to Kubernetes, which comes with a later release",
            None,
        ),
        (
            endpoint(", description: 2024-01-01, tags: 5"),
            "5}",
            "online_endpoints.churn.deployments.blue.tags",
            "must be a map",
            "write its fields below it, indented",
        ),
        (
            endpoint(", description: 1.10"),
            "1.10}",
            "online_endpoints.churn.deployments.blue.description",
            "must be text",
            'put it in quotes: "1.10"',
        ),
        (
            "stage: dev\nmodels: [{name: m, path: .}]\n",
            "models: [{name: m, path: .}]",
            "models",
            "need a workspace to live in",
            "add workspace: with a name",
        ),
    ],
)
def test_one_problem(project: Project, estate: str, source: str, path: str, what: str, fix: str | None) -> None:
    problem = project.problem(estate)
    assert (project.source(problem), problem.path, problem.what, problem.fix) == (source, path, what, fix)


def test_everything_is_said_at_once_in_the_order_of_the_file(project: Project) -> None:
    problems = project.problems(
        "stage: production\nworkspace: {name: x}\nonline_endpoints:\n  - name: churn\n    auth_mode: kei\n"
        "    traffic: {blue: 60, green: 50}\n    deployments:\n"
        f"      - {{name: blue, instance_cout: 2, {BLUE}}}\n      - {{name: green, instance_count: 0, {BLUE}}}\n"
    )
    assert [(problem.line, problem.path.rsplit(".", 1)[-1]) for problem in problems] == [
        (3, "stage"),
        (4, "name"),
        (7, "auth_mode"),
        (8, "traffic"),
        (10, "instance_cout"),
        (11, "instance_count"),
    ]


def test_a_wrong_field_does_not_lead_to_wrong_conclusions(project: Project) -> None:
    # The traffic names a deployment whose own name is wrong: only the name is at fault.
    problems = project.problems(
        HEAD + "online_endpoints:\n  - name: churn\n    traffic: {green_1: 100}\n"
        f"    deployments: [{{name: green_1, {BLUE}}}]\n"
    )
    assert [problem.path for problem in problems] == ["online_endpoints.churn.deployments.green_1.name"]


def test_a_misspelt_key_is_not_also_missing(project: Project) -> None:
    problems = project.problems(
        HEAD + "online_endpoints:\n  - name: churn\n    trafic: {blue: 100}\n"
        f"    deployments: [{{name: blue, {BLUE}}}, {{name: green, {BLUE}}}]\n"
    )
    assert [problem.fix for problem in problems] == ["did you mean traffic?"]


def test_a_missing_file_hides_nothing_else(project: Project) -> None:
    problems = project.problems(
        HEAD + "models: [{name: m, path: nowhere.pkl}]\nonline_endpoints:\n"
        f"  - {{name: churn, traffic: {{blue: 50}}, deployments: [{{name: blue, {BLUE}}}]}}\n"
    )
    assert [problem.what for problem in problems] == ["there is no such file or folder", "adds up to 50"]


def test_references_lead_somewhere(project: Project) -> None:
    project.write("model.pkl")
    assets = "models: [{name: churn, path: model.pkl}]\nenvironments: [{name: sklearn, image: i}]\n"

    def estate(model: str, environment: str = "azureml:sklearn@latest") -> str:
        blue = f"{{name: blue, instance_type: Standard_DS3_v2, model: '{model}', environment: '{environment}'}}"
        return HEAD + assets + f"online_endpoints: [{{name: churn, deployments: [{blue}]}}]\n"

    for good in ("azureml:churn@latest", "azureml:Churn", "azureml:churn:7", "azureml:other:1"):
        spec = project.load(estate(good))
        reference = spec.online_endpoints[0].deployments[0].model
        assert isinstance(reference, AssetReference)
        assert (spec.find_model(reference) is spec.models[0]) == ("hurn" in good and ":7" not in good)
    problem = project.problem(estate("azureml:chrun@latest"))
    assert problem.path == "online_endpoints.churn.deployments.blue.model"
    assert str(problem.fix).startswith("did you mean azureml:churn@latest?")
    assert "name the version" in str(project.problem(estate("azureml:churn:1", "azureml:torch")).fix)


def test_what_only_a_custom_model_needs(project: Project) -> None:
    project.write("model/MLmodel")
    blue = "{name: blue, instance_type: Standard_DS3_v2, model: {path: model, type: TYPE}}"
    estate = HEAD + f"online_endpoints: [{{name: churn, deployments: [{blue}]}}]\n"
    assert project.load(estate.replace("TYPE", "mlflow_model"))
    assert "needs an environment" in project.problem(estate.replace("TYPE", "custom_model")).what


def test_code_needs_an_environment(project: Project) -> None:
    project.write("src/score.py")
    blue = "{name: blue, instance_type: Standard_DS3_v2, code_configuration: {code: src, scoring_script: score.py}}"
    problem = project.problem(HEAD + f"online_endpoints: [{{name: churn, deployments: [{blue}]}}]\n")
    assert problem.what == "scoring code needs an environment to run in"


def test_two_things_of_one_name(project: Project) -> None:
    problem = project.problem(HEAD + "online_endpoints:\n  - name: churn\n  - name: CHURN\n")
    assert project.source(problem) == "CHURN"
    assert problem.what == "two things here are called churn: Azure compares names without case"


def test_an_inline_model_may_not_take_the_name_of_the_estates(project: Project) -> None:
    project.write("model.pkl")
    blue = "{name: blue, instance_type: Standard_DS3_v2, environment: 'azureml:e:1', model: {name: m, path: model.pkl}}"
    problem = project.problem(
        HEAD + f"models: [{{name: m, path: model.pkl}}]\nonline_endpoints: [{{name: churn, deployments: [{blue}]}}]\n"
    )
    assert str(problem.fix).startswith("write model: azureml:m@latest")


def test_one_registry(project: Project) -> None:
    id_ = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acr"
    problem = project.problem(
        f"stage: dev\nworkspace: {{name: mlw-risk, container_registry: {id_}}}\ncontainer_registry: {{sku: basic}}\n"
    )
    assert problem.path == "container_registry"


def test_a_missing_file_says_what_its_path_means(project: Project) -> None:
    project.write("models/churn.pkl")
    problem = project.problem(HEAD + "models: [{name: churn, path: models/chrun.pkl}]\n")
    assert str(problem.fix).startswith("did you mean churn.pkl?")
    assert str(project.folder / "models" / "chrun.pkl") in str(problem.fix)


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("azureml:/datastores/d/paths/m", "did you mean azureml://datastores/d/paths/m?"),
        ("runs://1/model", "did you mean runs:/1/model?"),
        ("s3://bucket/m", "download it, or register it with `az ml` and refer to it as azureml:NAME:VERSION"),
        ("azureml:m:1", "download it, or register it with `az ml` and refer to it as azureml:NAME:VERSION"),
    ],
)
def test_a_place_in_the_cloud_that_is_misspelt(project: Project, path: str, fix: str) -> None:
    assert project.problem(HEAD + f"models: [{{name: m, path: '{path}'}}]\n").fix == fix


def test_a_registered_model_is_used_where_it_is_deployed(project: Project) -> None:
    problem = project.problem(HEAD + "models: [{name: m, existing: 'azureml:m:1'}]\n")
    assert problem.fix == "a deployment takes it as it is: model: azureml:m:1"


def test_a_wrong_item_does_not_hide_what_is_wrong_between_the_fields_of_another(project: Project) -> None:
    storage = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    leads = f"{{service_resource_id: {storage}, subresource_target: blobs}}"
    network = "managed_network: {isolation_mode: allow_only_approved_outbound, outbound_rules: ["
    rules = f"{{name: a, type: fqnd, destination: www.contoso.com}}, {{name: b, destination: {leads}}}"
    first, second = project.problems(f"stage: dev\nworkspace: {{name: mlw-risk, {network}{rules}]}}}}\n")
    assert (first.allowed, first.fix) == ("private_endpoint, service_tag, fqdn", "did you mean fqdn?")
    assert (second.path.rpartition(".")[2], second.fix) == ("subresource_target", "did you mean blob?")


def test_the_block_reads_like_a_compilers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    assert str(project.problem("stage: prd\n")) == (
        "Pulumi.dev.yaml:3:12: error: stage: is not known here\n"
        "    value:   prd\n"
        "    allowed: dev, test, prod\n"
        "    fix:     did you mean prod?"
    )


def test_the_wire_form_leaves_out_what_is_not_known(project: Project) -> None:
    assert project.problem("stage: prd\n").wire() == {
        "file": project.folder / "Pulumi.dev.yaml",
        "line": 3,
        "column": 12,
        "path": "stage",
        "what": "is not known here",
        "value": "prd",
        "allowed": "dev, test, prod",
        "fix": "did you mean prod?",
    }


def test_paths_start_at_the_folder_of_their_file(project: Project) -> None:
    project.write("deep/model.pkl")
    project.write("deep/base.yaml", HEAD + "models: [{name: churn, path: model.pkl}]\n")
    assert project.load("extends: deep/base.yaml\n").models[0].path == Path(project.folder, "deep", "model.pkl")
