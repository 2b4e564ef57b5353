"""Online endpoints and deployments: the documented rules, and each undocumented one both ways."""

import json
from typing import Any
from uuid import uuid4

import pytest

from azml.facts import roles
from azml_local.scoring.contract import DeploymentFailed
from tests.unit.local.support import Arm, FakePlane, Running, ended, put_traffic


def user(arm: Arm, group: str, name: str) -> str:
    """Make a user-assigned identity."""
    path = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{name}"
    arm.ok("PUT", path, {"location": "eastus"})
    return path


class TestLife:
    def test_an_endpoint_without_deployments(self, arm: Arm, endpoint: str, plane: FakePlane) -> None:
        shown = arm.ok("GET", endpoint)
        assert shown["properties"]["traffic"] == {}
        assert shown["properties"]["provisioningState"] == "Succeeded"
        assert shown["properties"]["scoringUri"].endswith("/score")
        assert shown["properties"]["swaggerUri"].endswith("/swagger.json")
        assert plane.endpoints[endpoint].name == endpoint.rpartition("/")[2]

    def test_first_answers_are_not_final(self, arm: Arm, workspace: str) -> None:
        response = arm.send(
            "PUT",
            f"{workspace}/onlineEndpoints/first-answer",
            {"location": "eastus", "properties": {"authMode": "Key"}},
        )
        assert response.status_code == 201
        assert response.json()["properties"]["provisioningState"] == "Creating"
        assert response.headers["Azure-AsyncOperation"].startswith(arm.running.url)

    def test_a_deployment_reaches_the_data_plane_as_it_was_written(
        self, deploy: Any, plane: FakePlane, local: Running
    ) -> None:
        settings = {"requestTimeout": "PT1M30S", "maxConcurrentRequestsPerInstance": 3, "maxQueueWait": "PT0.25S"}
        (path,) = deploy(
            "blue",
            instances=2,
            requestSettings=settings,
            environmentVariables={"A": "b"},
            readinessProbe={"initialDelay": "PT1S"},
        )
        asked = plane.deployments[path]
        assert (asked.instances, asked.request_timeout_s, asked.max_concurrent, asked.max_queue_wait_s) == (
            2,
            90,
            3,
            0.25,
        )
        assert asked.variables == {"A": "b"}
        assert (asked.readiness.initial_delay_s, asked.readiness.period_s) == (1, 10)
        assert asked.model is not None
        assert asked.code is not None
        assert (asked.model / "model.bin").read_text() == "model"
        assert (asked.code / "score.py").read_text() == "code"
        assert local.home.blobs in asked.model.parents
        assert (asked.model_name, asked.model_version, asked.scoring_script) == ("m", "1", "score.py")

    def test_scaling_is_a_patch(self, arm: Arm, deploy: Any, plane: FakePlane) -> None:
        (path,) = deploy("blue")
        arm.ok("PATCH", path, {"tags": {"a": "b"}, "sku": {"name": "Default", "capacity": 3}})
        shown = arm.ok("GET", path)
        assert (shown["sku"]["capacity"], shown["tags"]) == (3, {"a": "b"})
        assert plane.deployments[path].instances == 3
        assert arm.refused("PATCH", path, {"properties": {"description": "x"}})[1] == "InvalidRequestContent"

    def test_logs(self, arm: Arm, deploy: Any) -> None:
        (path,) = deploy("blue")
        asked = {"containerType": "StorageInitializer", "tail": 7}
        assert arm.ok("POST", f"{path}/getLogs", asked) == {"content": "StorageInitializer 7"}
        assert arm.ok("POST", f"{path}/getlogs", {})["content"].startswith("InferenceServer")

    def test_deleting_an_endpoint_deletes_its_deployments(
        self, arm: Arm, endpoint: str, deploy: Any, plane: FakePlane
    ) -> None:
        blue, green = deploy("blue", "green")
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100}))
        arm.ok("DELETE", endpoint)
        assert not {blue, green} & set(plane.deployments)
        assert arm.send("GET", blue).status_code == 404
        assert arm.send("DELETE", endpoint).status_code == 204


class TestKeys:
    def test_keys_are_hidden_and_change_one_at_a_time(self, arm: Arm, endpoint: str, plane: FakePlane) -> None:
        keys = arm.ok("POST", f"{endpoint}/listKeys")
        assert keys["primaryKey"] not in arm.send("GET", endpoint).text()
        arm.ok("POST", f"{endpoint}/regenerateKeys", {"keyType": "Secondary"})
        changed = arm.ok("POST", f"{endpoint}/LISTKEYS")
        assert changed["primaryKey"] == keys["primaryKey"]
        assert changed["secondaryKey"] != keys["secondaryKey"]
        assert plane.endpoints[endpoint].keys == (changed["primaryKey"], changed["secondaryKey"])
        arm.ok("POST", f"{endpoint}/regenerateKeys", {"keyType": "Primary", "keyValue": "of-my-own"})
        assert arm.ok("POST", f"{endpoint}/listKeys")["primaryKey"] == "of-my-own"

    def test_keys_stay_when_the_endpoint_is_put_again(self, arm: Arm, endpoint: str) -> None:
        keys = arm.ok("POST", f"{endpoint}/listKeys")
        arm.ok("PUT", endpoint, {"location": "eastus", "properties": {"authMode": "Key", "description": "again"}})
        assert arm.ok("POST", f"{endpoint}/listKeys") == keys

    def test_tokens_belong_to_their_mode(self, arm: Arm, workspace: str, local: Running) -> None:
        endpoint = arm.endpoint(workspace, authMode="AMLToken")
        assert arm.refused("POST", f"{endpoint}/listKeys")[1] == "BadRequest"
        token = arm.ok("POST", f"{endpoint}/token")
        assert token["tokenType"] == "Bearer"
        assert token["refreshAfterTimeUtc"] < token["expiryTimeUtc"]
        assert local.azure.tokens.verify(token["accessToken"], endpoint)


class TestTraffic:
    @pytest.mark.parametrize(
        ("traffic", "mirror", "reason"),
        [
            ({"blue": 90}, {}, "sum"),
            ({"blue": 60, "green": 60}, {}, "sum"),
            ({"blue": 101, "green": -1}, {}, "0 to 100"),
            ({"red": 100}, {}, "'red'"),
            ({"blue": 100}, {"green": 51}, "0 to 50"),
            ({"blue": 100}, {"green": 10, "black": 10}, "Only one"),
            ({"blue": 50, "green": 50}, {"green": 10}, "live and mirror"),
        ],
    )
    def test_what_is_refused(
        self, arm: Arm, endpoint: str, deploy: Any, traffic: dict[str, int], mirror: dict[str, int], reason: str
    ) -> None:
        deploy("blue", "green", "black")
        body = put_traffic(arm, endpoint, traffic=traffic, mirrorTraffic=mirror)
        status, code, message = arm.refused("PUT", endpoint, body)
        assert (status, code) == (400, "BadRequest")
        assert reason in message
        assert arm.ok("GET", endpoint)["properties"]["traffic"] == {}

    @pytest.mark.parametrize("traffic", [{"blue": 100}, {"blue": 90, "green": 10}, {"blue": 0, "green": 0}, {}])
    def test_what_is_taken(
        self, arm: Arm, endpoint: str, deploy: Any, plane: FakePlane, traffic: dict[str, int]
    ) -> None:
        deploy("blue", "green")
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic=traffic))
        assert arm.ok("GET", endpoint)["properties"]["traffic"] == traffic
        assert plane.endpoints[endpoint].traffic == traffic

    def test_mirror(self, arm: Arm, endpoint: str, deploy: Any, plane: FakePlane) -> None:
        deploy("blue", "green")
        body = put_traffic(arm, endpoint, traffic={"blue": 100}, mirrorTraffic={"green": 50})
        arm.ok("PUT", endpoint, body)
        assert plane.endpoints[endpoint].mirror == {"green": 50}

    def test_none_at_creation(self, arm: Arm, workspace: str) -> None:
        body = {"location": "eastus", "properties": {"authMode": "Key", "traffic": {"blue": 100}}}
        assert arm.refused("PUT", f"{workspace}/onlineEndpoints/too-early", body)[1] == "BadRequest"

    def test_a_failed_deployment_gets_no_more_of_it(
        self, arm: Arm, endpoint: str, deploy: Any, plane: FakePlane, properties: dict[str, Any]
    ) -> None:
        deploy("blue")
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100}))
        plane.fail = {name: DeploymentFailed("ResourceNotReady", "no") for name in ("blue", "green")}
        for name in ("blue", "green"):
            arm.send("PUT", f"{endpoint}/deployments/{name}", arm.deployment_body(properties, description=name))
            ended(arm, f"{endpoint}/deployments/{name}")
        refused = put_traffic(arm, endpoint, traffic={"blue": 50, "green": 50})
        assert "'green' is Failed" in arm.refused("PUT", endpoint, refused)[2]
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100}))

    @pytest.mark.parametrize(("mode", "left"), [("clears", {}), ("keeps", {"blue": 100})])
    def test_a_put_that_does_not_mention_it(
        self, arm: Arm, endpoint: str, deploy: Any, setting: Any, mode: str, left: dict[str, int]
    ) -> None:
        setting(endpoint_put_without_traffic=mode)
        deploy("blue")
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100}))
        arm.ok("PUT", endpoint, {"location": "eastus", "properties": {"authMode": "Key"}})
        assert arm.ok("GET", endpoint)["properties"]["traffic"] == left

    def test_a_patch_cannot_touch_it(self, arm: Arm, endpoint: str, deploy: Any) -> None:
        deploy("blue")
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, traffic={"blue": 100}))
        arm.ok("PATCH", endpoint, {"tags": {"a": "b"}})
        shown = arm.ok("GET", endpoint)
        assert (shown["tags"], shown["properties"]["traffic"]) == ({"a": "b"}, {"blue": 100})

    @pytest.mark.parametrize("status", [400, 409])
    def test_a_deployment_that_has_some_stays(
        self, arm: Arm, endpoint: str, deploy: Any, setting: Any, status: int
    ) -> None:
        setting(delete_with_traffic_status=status)
        blue, green = deploy("blue", "green")
        body = put_traffic(arm, endpoint, traffic={"blue": 100, "green": 0}, mirrorTraffic={"green": 10})
        arm.ok("PUT", endpoint, body)
        for path in (blue, green):
            given, code, message = arm.refused("DELETE", path)
            assert (given, code) == (status, "BadRequest")
            assert "Set its" in message
        arm.ok("PUT", endpoint, put_traffic(arm, endpoint, mirrorTraffic={}))
        arm.ok("DELETE", green)
        assert arm.ok("GET", endpoint)["properties"]["traffic"] == {"blue": 100}


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"instanceType": "Standard_B2s"}, "Standard_B2s"),
            ({"instanceType": "Standard_NP10s"}, "Standard_NP10s"),
            ({"requestSettings": {"requestTimeout": "PT181S"}}, "180 s"),
            ({"requestSettings": {"requestTimeout": "5s"}}, "ISO 8601"),
            ({"requestSettings": {"maxConcurrentRequestsPerInstance": 0}}, "at least 1"),
            ({"livenessProbe": {"successThreshold": 2}}, "successThreshold must be 1"),
            ({"readinessProbe": {"period": "PT0S"}}, "readinessProbe.period"),
            ({"model": "{ws}/models/gone/versions/1"}, "models/gone"),
            ({"environmentId": "{ws}/environments/e/versions/9"}, "environments/e/versions/9"),
            ({"environmentId": "{ws}/models/m/versions/1"}, "no id of"),
            ({"scaleSettings": {"scaleType": "TargetUtilization"}}, "DefaultScaleSettings only"),
            ({"dataCollector": {"collections": {"request": {"samplingRate": 1.5}}}}, "samplingRate must be 0 to 1"),
            ({"dataCollector": {"collections": {"request": {"dataId": "{ws}/data/gone/versions/1"}}}}, "data/gone"),
            ({"environmentId": ""}, "needs properties.environmentId"),
            ({"environmentId": "", "codeConfiguration": None}, "custom_model needs"),
            ({"environmentId": "", "codeConfiguration": None, "model": ""}, "needs properties.model"),
        ],
    )
    def test_settings(
        self,
        arm: Arm,
        workspace: str,
        endpoint: str,
        properties: dict[str, Any],
        change: dict[str, Any],
        reason: str,
    ) -> None:
        change = json.loads(json.dumps(change).replace("{ws}", workspace))
        status, code, message = arm.refused(
            "PUT", f"{endpoint}/deployments/blue", arm.deployment_body({**properties, **change})
        )
        assert (status, code) == (400, "BadRequest")
        assert reason in message
        assert arm.send("GET", f"{endpoint}/deployments/blue").status_code == 404

    def test_all_problems_come_at_once(self, arm: Arm, endpoint: str, properties: dict[str, Any]) -> None:
        body = arm.deployment_body({**properties, "instanceType": "Standard_B2s"}, instances=51)
        response = arm.send("PUT", f"{endpoint}/deployments/2blue", body)
        details = response.json()["error"]["details"]
        assert [detail["code"] for detail in details] == ["BadArgument"] * 3

    @pytest.mark.parametrize("name", ["ab", "1ab", "a" * 33, "ab-", "a_b"])
    def test_names(self, arm: Arm, workspace: str, name: str) -> None:
        body = {"location": "eastus", "properties": {"authMode": "Key"}}
        assert "3 to 32 characters" in arm.refused("PUT", f"{workspace}/onlineEndpoints/{name}", body)[2]

    def test_a_name_is_taken_in_the_region(self, arm: Arm, endpoint: str) -> None:
        other = arm.workspace(arm.group())
        path = f"{other}/onlineEndpoints/{endpoint.rpartition('/')[2]}"
        body = {"location": "eastus", "properties": {"authMode": "Key"}}
        assert arm.refused("PUT", path, body)[:2] == (409, "EndpointAlreadyExists")
        arm.ok("PUT", path, {**body, "location": "westus"})

    def test_a_deployment_cannot_become_another(self, arm: Arm, deploy: Any, properties: dict[str, Any]) -> None:
        (path,) = deploy("blue", properties={"kept": "1"})
        other = arm.deployment_body({**properties, "instanceType": "Standard_DS4_v2", "properties": {"kept": "1"}})
        status, code, message = arm.refused("PUT", path, other)
        assert (status, code) == (400, "PropertyChangeNotAllowed")
        assert "Standard_DS3_v2" in message
        without = {name: value for name, value in properties.items() if name != "instanceType"}
        arm.ok("PUT", path, arm.deployment_body(without, properties={"kept": "1", "new": "2"}))
        assert arm.ok("GET", path)["properties"]["instanceType"] == "Standard_DS3_v2"
        assert "cannot be removed or changed" in arm.refused("PUT", path, arm.deployment_body(properties))[2]

    def test_the_twenty_first_deployment(self, arm: Arm, endpoint: str, deploy: Any) -> None:
        deploy(*(f"d-{number}" for number in range(20)))
        body = arm.deployment_body(arm.assets(endpoint.partition("/onlineEndpoints")[0]))
        assert "OutOfQuota" in arm.send("PUT", f"{endpoint}/deployments/d-20", body).text()

    @pytest.mark.parametrize(("mode", "status"), [("refused", 400), ("allowed", 200)])
    def test_another_auth_mode(self, arm: Arm, endpoint: str, setting: Any, mode: str, status: int) -> None:
        setting(auth_mode_change=mode)
        body = {"location": "eastus", "properties": {"authMode": "AADToken"}}
        assert arm.send("PUT", endpoint, body).status_code == status

    @pytest.mark.parametrize(
        ("identity", "reason"),
        [
            ({"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {"one": {}}}, "must be SystemAssigned"),
            ({"type": "UserAssigned", "userAssignedIdentities": {"one": {}, "two": {}}}, "exactly one"),
        ],
    )
    def test_identities(self, arm: Arm, workspace: str, identity: dict[str, Any], reason: str) -> None:
        group = workspace.partition("/providers/")[0]
        named = {user(arm, group, name): {} for name in identity["userAssignedIdentities"]}
        body = {
            "location": "eastus",
            "identity": {**identity, "userAssignedIdentities": named},
            "properties": {"authMode": "Key"},
        }
        assert reason in arm.refused("PUT", f"{workspace}/onlineEndpoints/identities", body)[2]

    def test_an_endpoint_keeps_its_properties(self, arm: Arm, workspace: str) -> None:
        path = arm.endpoint(workspace, properties={"kept": "1"})
        body = {"location": "eastus", "properties": {"authMode": "Key", "properties": {"kept": "2"}}}
        assert "cannot be removed or changed" in arm.refused("PUT", path, body)[2]

    def test_an_identity_of_ours_needs_its_roles_first(
        self, arm: Arm, workspace: str, properties: dict[str, Any]
    ) -> None:
        who = user(arm, workspace.partition("/providers/")[0], "reads")
        path = f"{workspace}/onlineEndpoints/ours-{uuid4().hex[:6]}"
        identity = {"type": "UserAssigned", "userAssignedIdentities": {who: {}}}
        arm.ok("PUT", path, {"location": "eastus", "identity": identity, "properties": {"authMode": "Key"}})
        body = arm.deployment_body(properties)
        assert "lacks Storage Blob Data Reader" in arm.refused("PUT", f"{path}/deployments/blue", body)[2]
        principal = arm.ok("GET", who)["properties"]["principalId"]
        storage = arm.ok("GET", workspace)["properties"]["storageAccount"]
        assignment = {
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": roles.definition_id("Storage Blob Data Reader", arm.sub.rpartition("/")[2]),
        }
        at = f"{storage}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
        arm.ok("PUT", at, {"properties": assignment})
        arm.ok("PUT", f"{path}/deployments/blue", body)

    @pytest.mark.parametrize(
        ("environment", "model", "says"),
        [
            ({"image": "tensorflow/serving"}, None, "custom containers (tensorflow/serving"),
            (None, "mlflow_model", "a model of type mlflow_model without code"),
            (None, "triton_model", "a model of type triton_model without code"),
        ],
    )
    def test_what_runs_in_azure_and_not_here(
        self,
        arm: Arm,
        workspace: str,
        endpoint: str,
        properties: dict[str, Any],
        environment: dict[str, Any] | None,
        model: str | None,
        says: str,
    ) -> None:
        del properties["codeConfiguration"], properties["environmentId"]
        if environment is not None:
            route = {"path": "/", "port": 8501}
            routes = {f"{kind}Route": route for kind in ("liveness", "readiness", "scoring")}
            properties["environmentId"] = f"{workspace}/environments/own/versions/1"
            arm.ok("PUT", properties["environmentId"], {"properties": {**environment, "inferenceConfig": routes}})
        if model is not None:
            properties["model"] = f"{workspace}/models/no-code/versions/1"
            uri = "azureml://datastores/workspaceblobstore/paths/LocalUpload/x/model"
            arm.ok("PUT", properties["model"], {"properties": {"modelUri": uri, "modelType": model}})
        status, code, message = arm.refused("PUT", f"{endpoint}/deployments/blue", arm.deployment_body(properties))
        assert (status, code) == (501, "NotImplemented")
        assert says in message

    def test_a_build_is_registered_and_not_built(
        self, arm: Arm, workspace: str, endpoint: str, properties: dict[str, Any]
    ) -> None:
        properties["environmentId"] = f"{workspace}/environments/built/versions/1"
        build = {"contextUri": "https://github.com/team/images.git", "dockerfilePath": "Dockerfile"}
        arm.ok("PUT", properties["environmentId"], {"properties": {"build": build}})
        status, _, message = arm.refused("PUT", f"{endpoint}/deployments/blue", arm.deployment_body(properties))
        assert status == 501
        assert "no images are built" in message

    def test_kubernetes_is_not_emulated(self, arm: Arm, workspace: str) -> None:
        body = {"location": "eastus", "properties": {"authMode": "Key", "compute": f"{workspace}/computes/k8s"}}
        assert arm.refused("PUT", f"{workspace}/onlineEndpoints/on-k8s", body)[:2] == (501, "NotImplemented")


class TestQuota:
    """Documented example: 10 × DS3_v2 (4 cores) take ceil(1.2 × 10) × 4 = 48 cores."""

    @pytest.fixture
    def place(self, arm: Arm, workspace: str, request: pytest.FixtureRequest) -> tuple[str, str]:
        """An endpoint alone in its region."""
        regions = {"test_the_reserve_counts[48-True]": "ukwest", "test_the_reserve_counts[47-False]": "norwayeast"}
        region = regions.get(request.node.name, "italynorth")
        return arm.endpoint(workspace, location=region), region

    @pytest.mark.parametrize(("limit", "fits"), [(48, True), (47, False)])
    def test_the_reserve_counts(
        self, arm: Arm, place: tuple[str, str], properties: dict[str, Any], setting: Any, limit: int, fits: bool
    ) -> None:
        setting(quota_cores={"Standard_DS3_v2": limit})
        endpoint, region = place
        body = arm.deployment_body(properties, instances=10, location=region)
        response = arm.send("PUT", f"{endpoint}/deployments/blue", body)
        if fits:
            assert response.status_code == 201
            return
        (detail,) = response.json()["error"]["details"]
        assert (response.status_code, detail["code"]) == (400, "OutOfQuota")
        assert "0/47 cores" in detail["message"]
        assert "Additional needed: 48" in detail["message"]

    def test_others_and_scaling_count_too(
        self, arm: Arm, place: tuple[str, str], properties: dict[str, Any], setting: Any
    ) -> None:
        setting(quota_cores={"*": 16})
        endpoint, region = place
        blue, green = f"{endpoint}/deployments/blue", f"{endpoint}/deployments/green"
        one = arm.deployment_body(properties, location=region)
        arm.ok("PUT", blue, one)  # ceil(1.2) x 4 = 8
        arm.ok("PUT", green, one)
        body = {"sku": {"name": "Default", "capacity": 2}}  # ceil(2.4) x 4 = 12
        assert "8/16 cores. Additional needed: 12" in arm.send("PATCH", green, body).text()
        assert arm.ok("GET", green)["sku"]["capacity"] == 1
        arm.ok("DELETE", blue)
        arm.ok("PATCH", green, body)
