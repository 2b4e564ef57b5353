"""Where every value comes from."""

from azml.spec import Value, trace
from tests.unit.spec.conftest import Project


def test_every_value_has_its_file_and_line_or_is_a_default(project: Project) -> None:
    base = project.write("base.yaml", "stage: dev\ntags:\n  team: risk\nworkspace:\n  name: mlw-risk\n")
    included = project.write("endpoint.yml", "name: churn\nauth_mode: AMLToken\n")
    stack = project.stack(
        "extends: base.yaml\nworkspace:\n  location: East US\nonline_endpoints:\n  - file: endpoint.yml\n"
        "    deployments:\n      - name: blue\n        instance_type: standard_ds3_v2\n        model: azureml:m:1\n"
        "        environment: azureml:e:1\n        environment_variables:\n          TOKEN: {secret: token}\n"
    )
    values = {value.path: value for value in trace(project.folder, "dev")}
    blue = "online_endpoints.churn.deployments.blue"
    for expected in (
        Value("stage", "dev", base, 1),
        Value("tags.team", "risk", base, 3),
        Value("workspace.name", "mlw-risk", base, 5),
        Value("workspace.location", "eastus", stack, 5),
        Value("workspace.public_network_access", "enabled", None, None),
        Value("online_endpoints.churn.auth_mode", "aml_token", included, 2),
        Value("online_endpoints.churn.traffic.blue", 100, None, None),
        Value(f"{blue}.instance_type", "Standard_DS3_v2", stack, 10),
        Value(f"{blue}.model", "azureml:m:1", stack, 11),
        Value(f"{blue}.environment_variables.TOKEN", {"secret": "token"}, stack, 14),
        Value(f"{blue}.request_settings.request_timeout_ms", 5000, None, None),
    ):
        assert values[expected.path] == expected
    assert "workspace.description" not in values
