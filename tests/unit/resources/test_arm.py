"""The ARM client: where it goes, what it repeats, how it waits and what it says when it fails."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from azml.resources.arm import PUBLIC, Arm, credential, resource_manager
from azml.resources.errors import ArmError, Interrupted
from tests.unit.resources.conftest import Azure

ML = "2025-12-01"


@pytest.fixture
def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """A metadata endpoint: its URL, and what it answers."""
    answer: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer["document"]).encode()
            self.send_response(answer.get("status", 200))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answer
    server.shutdown()
    server.server_close()


def test_without_a_variable_it_is_the_public_cloud() -> None:
    assert resource_manager({}) == PUBLIC == "https://management.azure.com"


def test_the_cloud_of_the_variable_s_host_is_taken(documents: tuple[str, dict[str, Any]]) -> None:
    url, answer = documents
    ours, other = {"resourceManager": f"{url}/"}, {"resourceManager": "https://management.azure.com/"}
    for document in ([other, ours], [ours], ours):
        answer["document"] = document
        assert resource_manager({"ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints"}) == url


def test_a_document_about_other_clouds_is_refused(documents: tuple[str, dict[str, Any]]) -> None:
    """azure-ai-ml falls back to the public cloud here, without a word."""
    url, answer = documents
    answer["document"] = [{"resourceManager": "https://elsewhere.example/"}]
    with pytest.raises(ArmError, match="elsewhere"):
        resource_manager({"ARM_CLOUD_METADATA_URL": url})


@pytest.mark.parametrize(
    ("authority", "looked_up"),
    [
        ("", True),
        ("login.microsoftonline.us", True),
        ("https://login.chinacloudapi.cn/", True),
        ("https://127.0.0.1:8443", False),
        ("127.0.0.1:8443", False),
    ],
)
def test_only_authorities_that_microsoft_knows_are_looked_up(
    monkeypatch: pytest.MonkeyPatch, authority: str, looked_up: bool
) -> None:
    """Instance discovery asks login.microsoftonline.com: not for a local authority, and only code can say so."""
    monkeypatch.setattr("azml.resources.arm.DefaultAzureCredential", dict)
    assert credential({"AZURE_AUTHORITY_HOST": authority}) == {"disable_instance_discovery": not looked_up}


def test_what_is_not_there_is_none(azure: Azure) -> None:
    assert azure.arm.find(f"{azure.workspace}/models/none/versions/1", ML) is None
    assert azure.arm.find(azure.workspace.rsplit("/", 1)[0] + "/none/models/m/versions/1", ML) is None
    with pytest.raises(ArmError) as caught:
        azure.arm.get(f"{azure.workspace}/models/none/versions/1", ML)
    assert caught.value.gone


def test_a_collection_is_read_to_its_last_page(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azml_local.arm.pages._PAGE", 2)
    wanted = {f"{number}" for number in range(5)}
    for version in wanted:
        body = {"properties": {"image": "mcr.microsoft.com/x:1"}}
        azure.theirs.ok("PUT", f"{azure.workspace}/environments/pages/versions/{version}", body)
    found = azure.arm.list_all(f"{azure.workspace}/environments/pages/versions", ML)
    assert sorted(each["name"] for each in found) == sorted(wanted)


def test_a_glance_without_an_answer_is_empty(azure: Azure) -> None:
    assert azure.arm.glance("GET", f"{azure.workspace}/models/none/versions/1", ML) == {}
    assert azure.arm.glance("GET", azure.workspace, ML)["name"] == "mlw"


def test_an_error_says_what_azure_said(azure: Azure) -> None:
    with pytest.raises(ArmError) as caught:
        azure.arm.put(f"{azure.workspace}/models/m/versions/9", ML, {"properties": {"modelUri": 7}}, azure.work())
    assert caught.value.status == 400
    assert "modelUri" in caught.value.message
    assert not caught.value.busy


def test_a_failed_operation_is_an_error_with_its_code(azure: Azure) -> None:
    from azml_local.scoring.contract import DeploymentFailed

    endpoint = azure.endpoint()
    azure.plane.fail["blue"] = DeploymentFailed("ResourceNotReady", "the container exited")
    body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
    with pytest.raises(ArmError) as caught:
        azure.arm.put(f"{endpoint}/deployments/blue", ML, body, azure.work())
    assert caught.value.code == "ResourceNotReady"
    assert "the container exited" in caught.value.message


@pytest.mark.parametrize("apart", [-300, 0, 300])
def test_the_time_is_azures_once_it_has_answered(azure: Azure, monkeypatch: pytest.MonkeyPatch, apart: int) -> None:
    real, arm = time.time, Arm()
    monkeypatch.setattr("azml.resources.arm.time", SimpleNamespace(time=lambda: real() + apart))
    assert abs(arm.now() - real() - apart) < 1
    arm.get(azure.workspace, ML)
    assert abs(arm.now() - real()) <= 3
    arm.close()


def test_a_busy_endpoint_is_waited_for(azure: Azure) -> None:
    """ARM answers 409 while an operation runs on the endpoint; that passes."""
    endpoint = azure.endpoint()
    azure.plane.gate.clear()
    body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
    azure.theirs.send("PUT", f"{endpoint}/deployments/blue", body).raise_for_status()
    threading.Timer(1.0, azure.plane.gate.set).start()
    started = time.monotonic()
    azure.arm.patch(endpoint, ML, {"tags": {"a": "1"}}, azure.work())
    assert time.monotonic() - started > 0.7
    assert azure.get(endpoint)["tags"] == {"a": "1"}


def test_waiting_ends_when_the_time_is_over(azure: Azure) -> None:
    endpoint = azure.endpoint()
    azure.plane.gate.clear()
    body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
    with pytest.raises(Interrupted, match="longest"):
        azure.arm.put(f"{endpoint}/deployments/blue", ML, body, azure.work(seconds=0.8))
    azure.plane.gate.set()


def test_cancel_ends_a_wait_at_once(azure: Azure) -> None:
    endpoint = azure.endpoint()
    azure.plane.gate.clear()
    body = azure.theirs.deployment_body(azure.theirs.assets(azure.workspace))
    threading.Timer(0.5, azure.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="Cancelled"):
        azure.arm.put(f"{endpoint}/deployments/blue", ML, body, azure.work())
    assert time.monotonic() - started < 2
    azure.plane.gate.set()


def test_deleting_what_is_gone_is_no_error(azure: Azure) -> None:
    azure.arm.delete(f"{azure.workspace}/onlineEndpoints/none-{uuid4().hex[:6]}", ML, azure.work())


def test_no_answer_is_said_with_the_address(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL")
    monkeypatch.setattr("azml.resources.arm.PUBLIC", "https://127.0.0.1:9")
    monkeypatch.setattr("azml.resources.arm.CONNECT_RETRIES", 0)
    arm = Arm()
    with pytest.raises(ArmError, match=r"https://127\.0\.0\.1:9 gave no answer"):
        arm.get("/subscriptions/x", ML)
    arm.close()
