"""The running local Azure: its parts put together, one process, one port.

Owns start and end of the server process: the home's lock, certificates, port, operations taken up again, what served
before brought back, and `server.json` once it is ready. Starting it in the background is `process`'s.
"""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import uvicorn

from azml_local import access_log, app, certificates, disk, settings
from azml_local.arm.faults import Chances, Faults
from azml_local.arm.lifecycle import Lifecycle, sets
from azml_local.arm.operations import Operations
from azml_local.arm.router import Router
from azml_local.arm.store import Store
from azml_local.arm.types import Types
from azml_local.azure import Azure
from azml_local.blobs.files import BlobFiles
from azml_local.containers import ContainerPlane
from azml_local.home import Home, Identity, write_json
from azml_local.namespaces import containerregistry, declared
from azml_local.namespaces.containerinstance.groups import GROUPS
from azml_local.namespaces.containerinstance.wanted import restore as restore_groups
from azml_local.namespaces.machinelearning.serving import restore
from azml_local.registry import Registries
from azml_local.scoring import DataPlane, Endpoint
from azml_local.scoring.environments import cache
from azml_local.tokens import ML, BadToken, Tokens

_log = logging.getLogger(__name__)
_GRACE = 1
"""Seconds that open connections have to finish when the server ends."""


_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients wait between polls."""


class AlreadyRunning(Exception):  # noqa: N818 - says what is the case
    """Another process serves this home."""


def assemble(home: Home, identity: Identity, url: str, plane: DataPlane | None = None) -> tuple[Azure, Router]:
    """Put the parts together. `plane` replaces the one that really scores."""
    tokens, store = Tokens(identity), Store(home.database)
    chosen = settings.load(home.settings)
    folder, chances = sets(home.root)[chosen.lifecycle], Chances(chosen.seed)
    lifecycle = Lifecycle(folder, chosen.lifecycle_scale, chances)
    azure = Azure(
        home=home,
        identity=identity,
        settings=chosen,
        store=store,
        tokens=tokens,
        blobs=BlobFiles(home.blobs, store.database),
        registries=Registries(
            home.registries, tokens, certificates.server(home), access_log.logger(home.logs / "registry.log")
        ),
        plane=DataPlane(home.online, partial(may_call, tokens)) if plane is None else plane,
        containers=ContainerPlane(
            home.containers, home.bundle, cache().parent / "layers", partial(lifecycle.waits, GROUPS)
        ),
        faults=Faults(folder, chances),
        url=url,
    )
    azure.types = Types(azure, declared())
    azure.operations = Operations(store, azure.types, lifecycle)
    return azure, Router(azure)


def may_call(tokens: Tokens, endpoint: Endpoint, token: str) -> bool:
    """Tell whether a bearer token is good for scoring: it is for this endpoint, or (mode AADToken) for Azure ML."""
    try:
        tokens.verify(token, ML if endpoint.auth_mode == "AADToken" else endpoint.id)
    except BadToken:
        return False
    return True


async def serve(root: Path) -> None:
    """Serve a home until SIGTERM or SIGINT. Raises `AlreadyRunning`, `settings.BadSettings`."""
    home = Home(root)
    home.make()
    lock = _lock(home)
    try:
        identity = home.identity()
        leaf = certificates.ensure(home)
        listener = _listener(identity.port)
        port = listener.getsockname()[1]
        identity = home.remember_port(identity, port) if port != identity.port else identity
        await _run(home, identity, leaf, listener, f"https://127.0.0.1:{port}")
    finally:
        home.server.unlink(missing_ok=True)
        lock.close()


async def _run(home: Home, identity: Identity, leaf: Path, listener: socket.socket, url: str) -> None:
    azure, router = assemble(home, identity, url)
    application = access_log.AccessLog(app.make(azure, router), access_log.logger(home.logs / "arm.log"))
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        ssl_certfile=str(leaf),
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    containerregistry.restore(azure)  # before anybody is told that it is ready
    back = asyncio.get_running_loop().create_task(_restore(azure))
    try:
        await _Server(config, home, identity, url).serve(sockets=[listener])
    finally:
        back.cancel()
        await asyncio.gather(back, return_exceptions=True)
        await azure.operations.close()
        await azure.plane.close()
        await azure.containers.close()
        azure.registries.close()
        azure.store.close()


async def _restore(azure: Azure) -> None:
    """Bring back what served; operations that were running go on after it."""
    done = asyncio.Event()
    azure.operations.resume(done)
    try:
        await asyncio.gather(restore(azure), restore_groups(azure))
    except Exception:  # noqa: BLE001 - the server goes on
        _log.exception("what served before did not come back")
    finally:
        done.set()


class _Server(uvicorn.Server):
    """Says that it is ready by writing `server.json`."""

    def __init__(self, config: uvicorn.Config, home: Home, identity: Identity, url: str) -> None:
        super().__init__(config)
        self._home, self._identity, self._url = home, identity, url

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT. uvicorn's own way raises the signal again, before anything is closed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        who = self._identity
        write_json(
            self._home.server,
            {
                "pid": os.getpid(),
                "url": self._url,
                "subscription_id": who.subscription_id,
                "tenant_id": who.tenant_id,
                "client_id": who.client_id,
                "client_secret": who.client_secret,
                "ca": str(self._home.ca),
                "bundle": str(self._home.bundle),
            },
        )
        _log.info("ready at %s", self._url)


def _lock(home: Home) -> IO[str]:
    """Take the home for this process; the file says which one it is. Children do not inherit it."""
    file = home.lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise AlreadyRunning(f"A local Azure runs in {home.root} already.") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _listener(port: int) -> socket.socket:
    """Listen on the remembered port, or on a free one where there is none or another program has it."""
    # With the protocol named, asyncio sets TCP_NODELAY on connections; without, each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        _log.warning("port %s is taken by another program", port)
        listener.bind(("127.0.0.1", 0))
    return listener


def main(root: Path) -> int:
    """Run the server; the exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)  # whatever is written is for this user only
    try:
        import uvloop
    except ImportError:  # not on every platform
        loop_factory = None
    else:
        loop_factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(serve(root.absolute()))
    except (AlreadyRunning, settings.BadSettings) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"{disk.MESSAGE if disk.is_full(error) else error}\n")
        return 1
    return 0
