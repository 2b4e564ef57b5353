"""A local Azure over a real socket in a thread of the test, and official clients for it.

Only the data plane is replaced, by one that remembers what it was asked; a test can make it fail or hold it back.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import uvicorn
from azure.core.pipeline.policies import ContentDecodePolicy, RequestIdPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ClientSecretCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

from azml_gateway.counts import Second
from azml_local import app, certificates, serve
from azml_local.azure import Azure
from azml_local.home import Home
from azml_local.namespaces import containerregistry
from azml_local.scoring.contract import Deployment, DeploymentFailed, Endpoint
from tests.support.watch import Watch

ML = "2025-12-01"
VERSIONS = {
    "Microsoft.Resources": "2025-04-01",
    "Microsoft.Storage": "2024-01-01",
    "Microsoft.KeyVault": "2024-11-01",
    "Microsoft.Insights": "2020-02-02",
    "Microsoft.OperationalInsights": "2023-09-01",
    "Microsoft.ContainerRegistry": "2023-01-01-preview",
    "Microsoft.ContainerInstance": "2024-05-01-preview",
    "Microsoft.ManagedIdentity": "2023-01-31",
    "Microsoft.Authorization": "2022-04-01",
    "Microsoft.MachineLearningServices": ML,
}


@dataclass
class FakePlane:
    """Remembers; `fail` maps a deployment's name to the error of its next start, `gate` holds every start back."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    counted: list[Second] = field(default_factory=list)
    built: list[tuple[str | None, str | None]] = field(default_factory=list)
    fail: dict[str, DeploymentFailed] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def put_endpoint(self, endpoint: Endpoint) -> str:
        self.endpoints[endpoint.id] = endpoint
        return f"http://127.0.0.1:{10000 + len(self.endpoints)}/score"

    async def delete_endpoint(self, endpoint_id: str) -> None:
        self.endpoints.pop(endpoint_id, None)

    async def put_deployment(self, deployment: Deployment, report: Callable[[str], None]) -> None:
        report("starting")
        await asyncio.to_thread(self.gate.wait)
        if deployment.name in self.fail:
            raise self.fail.pop(deployment.name)
        self.deployments[deployment.id] = deployment

    async def delete_deployment(self, deployment_id: str) -> None:
        self.deployments.pop(deployment_id, None)

    def counts(self, _endpoint: str, since: float, until: float) -> Iterator[Second]:
        return (second for second in self.counted if since <= second.at < until)

    def logs(self, _deployment: str, container: str, tail: int) -> str:
        return f"{container} {tail}"

    async def prepare_environment(self, image: str | None, conda: str | None) -> None:
        self.built.append((image, conda))

    async def close(self) -> None:
        pass


@dataclass
class Running:
    """A local Azure that runs, and clients for it."""

    azure: Azure
    plane: FakePlane
    home: Home
    url: str
    watch: Watch | None = None

    @property
    def credential(self) -> ClientSecretCredential:
        who = self.azure.identity
        return ClientSecretCredential(
            who.tenant_id,
            who.client_id,
            who.client_secret,
            authority=self.url,
            disable_instance_discovery=True,
            connection_verify=str(self.home.ca),
        )

    @property
    def subscription(self) -> str:
        return f"/subscriptions/{self.azure.identity.subscription_id}"

    def client(self, credential: ClientSecretCredential) -> ARMPipelineClient[Any, Any]:
        policies = [
            RequestIdPolicy(),
            ARMChallengeAuthenticationPolicy(credential, "https://management.azure.com/.default"),
            ContentDecodePolicy(),
        ]
        return ARMPipelineClient(self.url, policies=policies, connection_verify=str(self.home.ca))


class Arm:
    """Speaks ARM the way the official clients do: azure-core's pipeline and azure-mgmt-core's polling."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.credential = running.credential
        self.client = running.client(self.credential)
        self.sub = running.subscription

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.credential.close()

    def send(self, method: str, path: str, body: Any = None, version: str | None = None, **query: str) -> HttpResponse:
        parameters = {"api-version": version or self.version(path), **query}
        request = HttpRequest(method, path, params=parameters, json=body)
        request.url = self.client.format_url(request.url)
        return self.client.send_request(request)

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Send, poll to the end as a generated client would, and give the result."""
        response = self.send(method, path, body, **query)
        response.raise_for_status()
        if method == "GET":
            return response.json()
        poller = LROPoller(
            self.client, response_of(response), lambda pipeline: pipeline.http_response, ARMPolling(0.05)
        )
        final = poller.result()
        return final.json() if final is not None and final.status_code != 204 and final.body() else None

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str, str]:
        """Send what must fail at once: status, code, message."""
        response = self.send(method, path, body, **query)
        assert response.status_code >= 400, response.text()
        error = response.json()["error"]
        return response.status_code, error["code"], error["message"]

    @staticmethod
    def version(path: str) -> str:
        namespace = path.rpartition("/providers/")[2].partition("/")[0] if "/providers/" in path else ""
        found = {name.lower(): version for name, version in VERSIONS.items()}
        return found.get(namespace.lower(), VERSIONS["Microsoft.Resources"])

    # Estates

    def group(self, name: str | None = None) -> str:
        path = f"{self.sub}/resourceGroups/{name or 'rg-' + uuid4().hex[:8]}"
        self.ok("PUT", path, {"location": "eastus"})
        return path

    def storage(self, group: str, **properties: Any) -> str:
        path = f"{group}/providers/Microsoft.Storage/storageAccounts/st{uuid4().hex[:12]}"
        body = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
        self.ok("PUT", path, body)
        return path

    def vault(self, group: str) -> str:
        path = f"{group}/providers/Microsoft.KeyVault/vaults/kv-{uuid4().hex[:12]}"
        properties = {
            "tenantId": self.running.azure.identity.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        }
        self.ok("PUT", path, {"location": "eastus", "properties": properties})
        return path

    def insights(self, group: str) -> str:
        path = f"{group}/providers/Microsoft.Insights/components/appi"
        self.ok("PUT", path, {"location": "eastus", "kind": "web", "properties": {"Application_Type": "web"}})
        return path

    def workspace(self, group: str, name: str = "mlw", storage: dict[str, Any] | None = None, **more: Any) -> str:
        path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        self.ok("PUT", path, self.workspace_body(group, storage, **more))
        return path

    def workspace_body(self, group: str, storage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        properties = {
            "storageAccount": self.storage(group, **(storage or {})),
            "keyVault": self.vault(group),
            "applicationInsights": self.insights(group),
        }
        return {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {**properties, **more}}

    def endpoint(self, workspace: str, name: str | None = None, location: str = "eastus", **properties: Any) -> str:
        path = f"{workspace}/onlineEndpoints/{name or 'ep-' + uuid4().hex[:8]}"
        self.ok("PUT", path, {"location": location, "properties": {"authMode": "Key", **properties}})
        return path

    def assets(self, workspace: str) -> dict[str, Any]:
        """Upload a model and code, and register them with an environment: what a deployment's properties name."""
        store = self.ok("GET", f"{workspace}/datastores/workspaceblobstore")["properties"]
        files = self.running.azure.blobs
        for folder, name in (("model", "model.bin"), ("code", "score.py")):
            path = files.path(store["accountName"], store["containerName"], f"LocalUpload/x/{folder}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(folder)
        base = f"{self.running.url}/{store['accountName']}/{store['containerName']}/LocalUpload/x"
        uri = f"azureml:/{workspace.replace('/providers/Microsoft.MachineLearningServices', '')}"
        uri += "/datastores/workspaceblobstore/paths/LocalUpload/x/model"
        self.ok(
            "PUT", f"{workspace}/models/m/versions/1", {"properties": {"modelUri": uri, "modelType": "custom_model"}}
        )
        self.ok("PUT", f"{workspace}/codes/c/versions/1", {"properties": {"codeUri": f"{base}/code"}})
        environment = {"image": "mcr.microsoft.com/x", "condaFile": "name: e\n"}
        self.ok("PUT", f"{workspace}/environments/e/versions/1", {"properties": environment})
        return {
            "endpointComputeType": "Managed",
            "model": f"{workspace}/models/m/versions/1",
            "codeConfiguration": {"codeId": f"{workspace}/codes/c/versions/1", "scoringScript": "score.py"},
            "environmentId": f"{workspace}/environments/e/versions/1",
            "instanceType": "Standard_DS3_v2",
        }

    @staticmethod
    def deployment_body(
        base: dict[str, Any], /, instances: int = 1, location: str = "eastus", **more: Any
    ) -> dict[str, Any]:
        sku = {"name": "Default", "capacity": instances}
        return {"location": location, "sku": sku, "properties": {**base, **more}}


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something that comes by itself."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def put_traffic(arm: Arm, endpoint: str, **shares: dict[str, int]) -> Any:
    """Send the whole endpoint back with other traffic, as a client of the service does."""
    body = arm.ok("GET", endpoint)
    body["properties"].update(shares)
    return body


def ended(arm: Arm, path: str) -> None:
    """Wait until an operation on a resource is over."""
    until(lambda: arm.ok("GET", path)["properties"]["provisioningState"] in ("Succeeded", "Failed"))


def response_of(response: HttpResponse) -> Any:
    """Wrap a new-style response as the pipeline response that pollers start from."""
    from azure.core.pipeline import PipelineResponse

    return PipelineResponse(response.request, response, {})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


@contextmanager
def running(root: Path, plane: FakePlane | None = None, *, scores: bool = False) -> Iterator[Running]:
    """Serve a home in a thread until the block ends, as `azml_local.serve` does in a process.

    With `scores` deployments really run. Every answer must fit ARM's types: what does not fails the test at the end of
    the block.
    """
    home = Home(root)
    home.make()
    leaf = certificates.ensure(home)
    listener = serve._listener(home.identity().port)
    identity = home.remember_port(home.identity(), listener.getsockname()[1])
    url = f"https://127.0.0.1:{identity.port}"
    plane = plane or FakePlane()
    ready, ended = threading.Event(), threading.Event()
    found: list[tuple[Azure, Watch]] = []

    async def run() -> None:
        azure, router = serve.assemble(home, identity, url, None if scores else plane)  # type: ignore[arg-type]
        watch = Watch(app.make(azure, router), azure)
        found.append((azure, watch))
        containerregistry.restore(azure)
        back = asyncio.get_running_loop().create_task(serve._restore(azure))
        config = uvicorn.Config(
            watch,
            log_config=None,
            lifespan="off",
            ssl_certfile=str(leaf),
            timeout_graceful_shutdown=1,
            timeout_keep_alive=serve._KEEP_ALIVE,
        )
        server = _Server(config, ready)
        serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(ended.wait)
        server.should_exit = True
        await serving
        for left in server.server_state.connections:  # clients that went without a TLS goodbye
            left.transport.abort()
        await asyncio.sleep(0)  # an aborted transport closes in the loop's next round
        back.cancel()
        await azure.operations.close()
        await azure.plane.close()
        await azure.containers.close()
        azure.registries.close()
        azure.store.close()

    thread = threading.Thread(target=asyncio.run, args=[run()], daemon=True)
    thread.start()
    assert ready.wait(10)
    azure, watch = found[0]
    try:
        yield Running(azure, plane, home, url, watch)
    finally:
        ended.set()
        thread.join(10)
    assert not watch.problems, "\n".join(watch.problems)
