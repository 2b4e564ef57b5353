"""azure-ai-ml (MLClient): a team's own script, from a local model to a prediction, against a local Azure that scores.

The client finds it by ARM_CLOUD_METADATA_URL, and the host it makes up for uploads by HTTPS_PROXY: what
`azml local run` gives a command.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from azml_local.tunnel import Tunnel
from tests.contract import estate
from tests.contract.clients import Clients
from tests.unit.local.support import Running, running

pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own: of marshmallow, of experimental classes

SAMPLE = Path(__file__).parents[2] / "samples" / "diabetes"
EXPECTED = [6141.169929291073, 3677.2321053350956]
"""What the committed ridge regression says in plain Python (README)."""


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("azure"), scores=True) as found:
        yield found


@pytest.fixture(scope="module")
def workspace(scoring: Running) -> Iterator[SimpleNamespace]:
    with Clients(scoring) as clients:
        group = estate.group(clients)
        made = estate.workspace(clients, group)
        yield SimpleNamespace(group=group, name=made.name, id=made.id, clients=clients)


@pytest.fixture(scope="module")
def ml(scoring: Running, workspace: SimpleNamespace) -> Iterator[Any]:
    """The client, found by nothing but variables."""
    with pytest.MonkeyPatch.context() as patch, Tunnel(scoring.url, scoring.home.root) as tunnel:
        patch.setenv("ARM_CLOUD_METADATA_URL", f"{scoring.url}/metadata/endpoints?api-version=2019-05-01")
        patch.setenv("REQUESTS_CA_BUNDLE", str(scoring.home.bundle))
        for name, value in tunnel.variables.items():
            patch.setenv(name, value)
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        from azure.ai.ml import MLClient

        with scoring.credential as credential:
            yield MLClient(credential, workspace.clients.subscription, workspace.group, workspace.name)
    os.environ.pop("AZUREML_CURRENT_CLOUD", None)  # the client sets it for the whole process


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The diabetes sample, where the client may leave its marks."""
    return Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("sample") / "diabetes"))


def test_the_workspace(ml: Any, workspace: SimpleNamespace) -> None:
    found = ml.workspaces.get(workspace.name)
    assert (found.name, found.location) == (workspace.name, "eastus")
    assert workspace.name in [one.name for one in ml.workspaces.list()]
    with pytest.raises(ResourceNotFoundError):
        ml.workspaces.get("mlw-nobody")


def test_a_workspace_needs_a_template_engine(ml: Any) -> None:
    from azure.ai.ml.entities import Workspace

    with pytest.raises(Exception, match="does not emulate the resource type"):
        ml.workspaces.begin_create(Workspace(name="mlw-new", location="eastus")).result()


def test_the_default_datastore(ml: Any) -> None:
    found = ml.datastores.get_default()
    assert (found.name, found.type) == ("workspaceblobstore", "AzureBlob")
    assert "workspaceartifactstore" in [one.name for one in ml.datastores.list()]
    assert ml.datastores.get("workspaceblobstore", include_secrets=True).credentials.sas_token


class TestAssets:
    def test_a_model_is_uploaded(self, ml: Any, sample: Path) -> None:
        from azure.ai.ml.entities import Model

        made = ml.models.create_or_update(
            Model(name="churn", version="3", path=str(sample / "model"), type="custom_model")
        )
        assert (made.name, made.version) == ("churn", "3")
        assert made.path.startswith("azureml://")
        again = ml.models.get("churn", version="3")
        assert again.path == made.path
        assert [one.version for one in ml.models.list("churn")] == ["3"]
        assert ml.models.get("churn", label="latest").version == "3"
        ml.models.archive("churn", version="3")
        assert list(ml.models.list("churn")) == []
        ml.models.restore("churn", version="3")

    def test_a_model_that_is_there_already(self, ml: Any) -> None:
        from azure.ai.ml.entities import Model

        path = "azureml://datastores/workspaceblobstore/paths/models/a"
        made = ml.models.create_or_update(Model(name="there", version="1", path=path))
        assert made.path.endswith("/datastores/workspaceblobstore/paths/models/a")
        with pytest.raises(ResourceNotFoundError):
            ml.models.get("there", version="2")

    def test_code(self, ml: Any, sample: Path) -> None:
        from azure.ai.ml.entities import _assets

        made = ml._code.create_or_update(_assets.Code(path=str(sample / "code"), name="score", version="1"))
        assert made.path.endswith("/code")

    def test_an_environment(self, ml: Any, sample: Path) -> None:
        from azure.ai.ml.entities import Environment

        given = Environment(
            name="env", version="1", image="mcr.microsoft.com/x:1", conda_file=str(sample / "conda.yml")
        )
        made = ml.environments.create_or_update(given)
        assert (made.name, made.version, made.image) == ("env", "1", "mcr.microsoft.com/x:1")
        assert ml.environments.get("env", version="1").conda_file["name"] == "diabetes"
        assert [one.version for one in ml.environments.list("env")] == ["1"]


@pytest.fixture(scope="module")
def endpoint(ml: Any) -> Any:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    given = ManagedOnlineEndpoint(name="diabetes", auth_mode="key")
    return ml.online_endpoints.begin_create_or_update(given).result()


@pytest.fixture(scope="module")
def deployment(ml: Any, endpoint: Any, sample: Path) -> Any:
    from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, Model

    given = ManagedOnlineDeployment(
        name="ridge",
        endpoint_name=endpoint.name,
        model=Model(path=str(sample / "model")),
        environment=Environment(image="mcr.microsoft.com/x:1", conda_file=str(sample / "conda.yml")),
        code_configuration=CodeConfiguration(code=str(sample / "code"), scoring_script="score.py"),
        instance_type="Standard_DS2_v2",
        instance_count=1,
    )
    return ml.online_deployments.begin_create_or_update(given).result()


class TestOnlineEndpoint:
    """One story: each test goes on where the one before it ended."""

    def test_created(self, ml: Any, endpoint: Any) -> None:
        assert (endpoint.name, endpoint.provisioning_state, endpoint.auth_mode) == ("diabetes", "Succeeded", "key")
        assert ml.online_endpoints.get("diabetes").scoring_uri == endpoint.scoring_uri
        assert "diabetes" in [one.name for one in ml.online_endpoints.list()]
        assert ml.online_endpoints.get_keys("diabetes").primary_key
        with pytest.raises(ResourceNotFoundError):
            ml.online_endpoints.get("nobody")

    def test_deployed_from_files(self, ml: Any, deployment: Any) -> None:
        assert (deployment.name, deployment.provisioning_state) == ("ridge", "Succeeded")
        assert (deployment.instance_type, deployment.instance_count) == ("Standard_DS2_v2", 1)
        assert [one.name for one in ml.online_deployments.list("diabetes")] == ["ridge"]
        assert "Booting" in ml.online_deployments.get_logs("ridge", "diabetes", lines=500)

    @pytest.mark.usefixtures("deployment")
    def test_asked_by_name_and_then_by_traffic(self, ml: Any) -> None:
        """Without traffic there is no answer, unless a deployment is named; after that the client always names it."""
        request = str(SAMPLE / "sample-request.json")
        with pytest.raises(Exception, match="doesn't have any valid deployment with positive weight"):
            ml.online_endpoints.invoke("diabetes", request_file=request)
        answer = ml.online_endpoints.invoke("diabetes", request_file=request, deployment_name="ridge")
        assert json.loads(answer) == EXPECTED
        endpoint = ml.online_endpoints.get("diabetes")
        endpoint.traffic = {"ridge": 100}
        changed = ml.online_endpoints.begin_create_or_update(endpoint).result()
        assert changed.traffic == {"ridge": 100}
        assert json.loads(ml.online_endpoints.invoke("diabetes", request_file=request)) == EXPECTED

    @pytest.mark.usefixtures("deployment")
    def test_a_key_is_set(self, ml: Any) -> None:
        """This client sends the old key as the new one's value, and ARM says that the key is set to it."""
        before = ml.online_endpoints.get_keys("diabetes")
        ml.online_endpoints.begin_regenerate_keys("diabetes", key_type="secondary").result()
        assert ml.online_endpoints.get_keys("diabetes").secondary_key == before.secondary_key

    @pytest.mark.usefixtures("deployment")
    def test_scaled(self, ml: Any) -> None:
        found = ml.online_deployments.get("ridge", "diabetes")
        found.instance_count = 2
        assert ml.online_deployments.begin_create_or_update(found).result().instance_count == 2

    @pytest.mark.usefixtures("deployment")
    def test_deleted(self, ml: Any) -> None:
        with pytest.raises(HttpResponseError):
            ml.online_deployments.begin_delete("ridge", "diabetes").result()
        endpoint = ml.online_endpoints.get("diabetes")
        endpoint.traffic = {"ridge": 0}
        ml.online_endpoints.begin_create_or_update(endpoint).result()
        ml.online_deployments.begin_delete("ridge", "diabetes").result()
        with pytest.raises(ResourceNotFoundError):
            ml.online_deployments.get("ridge", "diabetes")
        ml.online_endpoints.begin_delete("diabetes").result()
        with pytest.raises(ResourceNotFoundError):
            ml.online_endpoints.get("diabetes")
