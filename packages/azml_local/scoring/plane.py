"""The data plane: from wanted endpoints and deployments to running processes.

Puts the steps in order (environment, copies, instances, gateway) so that whatever fails, what served before still does.
"""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from azml_gateway import counts
from azml_gateway.counts import Second
from azml_local.scoring import conda, files
from azml_local.scoring.contract import Deployment, DeploymentFailed, Endpoint, Report, TokenVerifier
from azml_local.scoring.environments import Environments, cache
from azml_local.scoring.fleet import Fleet
from azml_local.scoring.gateways import COUNTS, GatewayProcess, choose_port
from azml_local.scoring.generation import Generation
from azml_local.scoring.instances import Server
from azml_local.scoring.logs import tail
from azml_local.scoring.processes import Processes

CLOSE_GRACE_S = 2.0


class DataPlane:
    """Runs every endpoint and deployment of one local Azure, under `home`.

    Operations on one deployment are put in order here; others overlap. Nothing is remembered about what was wanted:
    after a restart the control plane puts everything again (ports and built environments are kept). Must be made and
    used on the thread that lives as long as the process: children die with the thread that started them.
    """

    def __init__(self, home: Path, verify_token: TokenVerifier) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._verify = verify_token
        self._processes = Processes(home / "processes.json")
        self._processes.end_leftovers()
        self._environments = Environments(cache())
        self._sockets: Path | None = None
        self._endpoints: dict[str, GatewayProcess] = {}
        self._running: dict[str, Fleet] = {}
        self._order: dict[str, asyncio.Lock] = {}

    async def put_endpoint(self, endpoint: Endpoint) -> str:
        """Start or refresh the endpoint's gateway; its scoring URI. Idempotent; traffic and keys change by it too."""
        key = endpoint.id.lower()
        async with self._ordered(key):
            gateway = self._endpoints.get(key)
            if gateway is None:
                folder = files.folder(self._home / "endpoints", endpoint.id, endpoint.name)
                if self._sockets is None:
                    self._sockets = _fresh_sockets(self._home / "sockets.txt")
                gateway = GatewayProcess(
                    endpoint, folder, self._sockets, self._port(key), self._processes, self._verify
                )
            gateway.endpoint = endpoint
            try:
                await self._apply(gateway)
            except BaseException:
                if key not in self._endpoints:
                    await gateway.stop(0)
                raise
            self._endpoints[key] = gateway
            return gateway.scoring_uri

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """End the endpoint with all its deployments. Unknown: nothing to do."""
        key = endpoint_id.lower()
        below = [each.deployment.id for each in self._running.values() if each.deployment.endpoint_id.lower() == key]
        await asyncio.gather(*(self.delete_deployment(id_) for id_ in below))
        async with self._ordered(key):
            gateway = self._endpoints.pop(key, None)
            if gateway is not None:
                await gateway.stop(CLOSE_GRACE_S)
                shutil.rmtree(files.folder(self._home / "endpoints", gateway.endpoint.id, gateway.endpoint.name))

    async def put_deployment(self, deployment: Deployment, report: Report) -> None:
        """Build the environment, start the instances, wait until they are ready, then let them serve.

        For an id that runs already: instances are replaced in place, 20 % at a time; where only their number or request
        settings differ, what runs is kept. Raises `DeploymentFailed`; instances that it did not come to keep serving.
        """
        key = deployment.id.lower()
        async with self._ordered(key):
            gateway = self._endpoints.get(deployment.endpoint_id.lower())
            if gateway is None:
                text = f"The endpoint of deployment '{deployment.name}' does not exist."
                raise DeploymentFailed("EndpointNotFound", text)
            running = self._running.get(key)
            if running is not None and running.whole and _same_process(running.deployment, deployment):
                await running.scale(deployment, report)
                return
            new = await self._generation(deployment, report)
            if running is None:
                await self._begin(gateway, new, report)
            else:
                await self._update(running, new, report)
            report("serving")
            for old in files.generations(new.server.staged.folder.parent):
                if old != new.server.staged.folder:
                    files.remove(old)

    async def delete_deployment(self, deployment_id: str) -> None:
        """End the deployment. Unknown: nothing to do."""
        key = deployment_id.lower()
        async with self._ordered(key):
            running = self._running.pop(key, None)
            if running is not None:
                gateway = self._endpoints.get(running.deployment.endpoint_id.lower())
                if gateway is not None:
                    await self._apply(gateway)
                    await running.leave()
                await running.end()
            shutil.rmtree(self._folder(deployment_id), ignore_errors=True)

    def logs(self, deployment_id: str, container: str, tail_lines: int) -> str:
        """Return the last lines of `InferenceServer` or `StorageInitializer`; also of a deployment that failed."""
        latest = files.generations(self._folder(deployment_id))
        return tail(latest[-1] / f"{container}.log", tail_lines) if latest else ""

    def counts(self, endpoint_id: str, since: float, until: float) -> Iterator[Second]:
        """Read what the endpoint's gateway counted, also of a gateway that is gone."""
        folder = files.folder(self._home / "endpoints", endpoint_id, endpoint_id.rstrip("/").rpartition("/")[2])
        return counts.read(folder / COUNTS, since, until)

    async def prepare_environment(self, image: str | None, conda_file: str | None) -> None:  # noqa: ARG002 - a label
        """Build an environment early, to overlap with other work. Failures are left to the deployment that needs it."""
        with contextlib.suppress(DeploymentFailed):
            await self._environments.ready(conda.read(conda_file), lambda _: None)

    async def close(self) -> None:
        """End every child process."""
        gateways, running = list(self._endpoints.values()), list(self._running.values())
        self._endpoints.clear()
        self._running.clear()
        await asyncio.gather(*(each.stop(CLOSE_GRACE_S) for each in gateways), *(each.end() for each in running))
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    async def _generation(self, deployment: Deployment, report: Report) -> Generation:
        """Build and copy what a new generation needs."""
        told = (
            []
            if deployment.image is None
            else [f"image {deployment.image}: a label here, the conda file is what counts"]
        )

        def tell(line: str) -> None:
            told.append(line)
            report(line)

        wanted = conda.read(deployment.conda)
        environment = await self._environments.ready(wanted, tell)
        staged = await asyncio.to_thread(files.stage, deployment, self._folder(deployment.id))
        variables = {**wanted.variables, **deployment.variables}
        probes = (deployment.liveness, deployment.readiness, deployment.startup)
        server = Server(environment, staged, variables, *probes, deployment.memory_bytes)

        async def changed() -> None:
            with contextlib.suppress(DeploymentFailed):  # nobody asked for this change, and the next one says it again
                await self._tell(deployment.endpoint_id)

        generation = Generation(deployment, server, self._processes, changed)
        for line in (*told, f"environment {environment}"):
            generation.note(line)
        return generation

    async def _begin(self, gateway: GatewayProcess, new: Generation, report: Report) -> None:
        """Let a deployment serve that did not."""
        deployment = new.deployment
        fleet = Fleet(deployment, partial(self._tell, deployment.endpoint_id), gateway.drain)
        try:
            await fleet.begin(new, report)
        except BaseException:
            await new.end()
            files.keep_logs(new.server.staged.folder, [])
            raise
        if self._endpoints.get(deployment.endpoint_id.lower()) is not gateway:
            await fleet.end()
            raise DeploymentFailed("EndpointNotFound", f"The endpoint of '{deployment.name}' was deleted meanwhile.")
        self._running[deployment.id.lower()] = fleet
        await self._apply(gateway)

    async def _update(self, running: Fleet, new: Generation, report: Report) -> None:
        """Let a changed deployment take the place of what runs."""
        try:
            await running.update(new, report)
        except BaseException:
            files.keep_logs(new.server.staged.folder, [each.server.staged.folder for each in running.generations])
            raise

    async def _tell(self, endpoint_id: str) -> None:
        gateway = self._endpoints.get(endpoint_id.lower())
        if gateway is not None:
            await self._apply(gateway)

    async def _apply(self, gateway: GatewayProcess) -> None:
        key = gateway.endpoint.id.lower()
        serving = [each for each in self._running.values() if each.deployment.endpoint_id.lower() == key]
        await gateway.apply([(each.deployment, each.addresses) for each in serving])

    def _folder(self, deployment_id: str) -> Path:
        return files.folder(self._home / "deployments", deployment_id, deployment_id.rstrip("/").rpartition("/")[2])

    def _ordered(self, key: str) -> asyncio.Lock:
        return self._order.setdefault(key, asyncio.Lock())

    def _port(self, key: str) -> int:
        """Return the endpoint's port: the one it had before, unless another program has taken it."""
        file = self._home / "ports.json"
        ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        ports[key] = choose_port(ports.get(key))
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(ports, indent=1))
        temporary.replace(file)
        return ports[key]


def _same_process(one: Deployment, other: Deployment) -> bool:
    """Whether two deployments differ at most in what the gateway does and in the number of instances."""
    as_other = replace(
        one,
        instances=other.instances,
        request_timeout_s=other.request_timeout_s,
        max_concurrent=other.max_concurrent,
        max_queue_wait_s=other.max_queue_wait_s,
        updates=other.updates,
        scoring_route=other.scoring_route,
    )
    return as_other == other


def _fresh_sockets(record: Path) -> Path:
    """Make a folder for unix sockets, whose paths must be short; one that a killed process left is removed."""
    with contextlib.suppress(OSError):
        left = Path(record.read_text())
        if left.name.startswith("azml-"):
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix="azml-"))
    record.write_text(str(made))
    return made
