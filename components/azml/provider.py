"""azml's own Pulumi provider: components and custom resources behind one gRPC server.

Owns the protocol: what the engine asks, and in which words a failure comes back. Deliberately no resource logic
(`azml.resources`) and no component logic. Every RPC is written here, because the SDK's own servicers add stack frames
to each error. Components, and with them azure-native, are imported only when something asks for them: most runs make
resources only, and a slow start is paid at every command.
"""

# ruff: noqa: N802, D102 - the protocol names the methods, and says what they do

import asyncio
import functools
import importlib
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from azml import replies
from azml.resources.errors import ArmError, Incomplete, Refused
from azml.resources.handler import Handler
from azml.resources.handlers import HANDLERS
from azml.resources.wire import to_python, to_struct
from azml.resources.work import Work

if TYPE_CHECKING:
    from pulumi.provider.server import ProviderServicer

    from azml.resources.arm import Arm

THREADS = 64
"""Handlers at work at once. They wait for Azure most of the time; the engine's own default is 4 to 16 a core."""

PARENT_SECONDS = 2.0
"""Between two looks whether the engine is still there."""

_SEVERITY = {"status": engine_pb2.INFO, "info": engine_pb2.INFO, "warning": engine_pb2.WARNING}
_ACCEPTS = {"accept_secrets": True, "accept_resources": True, "accept_outputs": True}

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


def expected_failures(method: Method) -> Method:
    """Turn what a handler raises into what the engine shows: text for people, never a traceback."""

    @functools.wraps(method)
    async def served(self: "Servicer", request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            return await method(self, request, context)
        except grpc.aio.AbortError:
            raise
        except Incomplete as error:
            await context.abort_with_status(replies.incomplete(request, error))
        except (Refused, ArmError) as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - the last line of defence: the details go to a file
            await context.abort(grpc.StatusCode.UNKNOWN, replies.unexpected(error))

    return served  # type: ignore[return-value]


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The engine's side of azml. One process serves one run; handlers run in threads and never block each other."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine_address, options=_GRPC_CHANNEL_OPTIONS))
        self._cancelled = threading.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="azml")
        self._making_arm = threading.Lock()

    # What kind of provider this is

    async def Handshake(self, request: Any, context: Any) -> proto.ProviderHandshakeResponse:  # noqa: ARG002
        return provider_pb2.ProviderHandshakeResponse(**_ACCEPTS)

    async def GetPluginInfo(self, request: Any, context: Any) -> proto.PluginInfo:  # noqa: ARG002
        return proto.PluginInfo(version=package_version())

    @expected_failures
    async def GetSchema(self, request: Any, context: Any) -> proto.GetSchemaResponse:  # noqa: ARG002
        schema = await self._in_thread(package_schema)
        return proto.GetSchemaResponse(schema=json.dumps(schema))

    async def CheckConfig(self, request: Any, context: Any) -> proto.CheckResponse:  # noqa: ARG002
        return proto.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> proto.DiffResponse:  # noqa: ARG002
        return proto.DiffResponse(changes=proto.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> proto.ConfigureResponse:  # noqa: ARG002
        # Azure's libraries take half a second to import: that goes on while the engine prepares its first question.
        self._threads.submit(importlib.import_module, "azml.resources.arm")
        return proto.ConfigureResponse(
            acceptSecrets=True, acceptResources=True, acceptOutputs=True, supportsPreview=True
        )

    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002
        self._cancelled.set()
        return empty_pb2.Empty()

    # Custom resources

    @expected_failures
    async def Check(self, request: Any, context: Any) -> proto.CheckResponse:  # noqa: ARG002
        handler = _handler(request.urn)
        try:
            inputs = await self._in_thread(handler.check, to_python(request.news))
        except Refused as error:
            return proto.CheckResponse(failures=[proto.CheckFailure(reason=str(error))])
        return proto.CheckResponse(inputs=to_struct(inputs, secrets_of=request.news))

    @expected_failures
    async def Diff(self, request: Any, context: Any) -> proto.DiffResponse:  # noqa: ARG002
        handler, work = _handler(request.urn), self._work(request)
        old, new = to_python(request.old_inputs), to_python(request.news)
        found = await self._in_thread(handler.difference, work, old, to_python(request.olds), new)
        for name in request.ignoreChanges:
            found.drifted.pop(name, None)
        for remark in found.drifted.values():
            work.say(remark)
        return replies.difference(handler, found, old, new)

    @expected_failures
    async def Create(self, request: Any, context: Any) -> proto.CreateResponse:  # noqa: ARG002
        handler, inputs = _handler(request.urn), to_python(request.properties)
        if request.preview:
            await self._in_thread(handler.foresee, self._work(request), inputs)
            outputs, id_ = handler.preview(inputs, {}), handler.preview_id(inputs)
        else:
            outputs = await self._in_thread(handler.create, self._work(request), inputs)
            id_ = handler.id_of(inputs, outputs)
        properties = to_struct(outputs, secrets_of=request.properties, all_secret=handler.kept)
        return proto.CreateResponse(id=id_, properties=properties)

    @expected_failures
    async def Read(self, request: Any, context: Any) -> proto.ReadResponse:  # noqa: ARG002
        handler, known = _handler(request.urn), to_python(request.inputs)
        found = await self._in_thread(handler.read, self._work(request), request.id, known)
        if found is None:
            return proto.ReadResponse()
        inputs, state = found
        before = to_python(request.properties)
        state = {**{name: before[name] for name in handler.kept if name in before}, **state}
        secret = frozenset() if known else handler.sensitive
        return proto.ReadResponse(
            id=request.id if known else handler.id_of(inputs, state),
            inputs=to_struct(inputs, secrets_of=request.inputs, all_secret=secret),
            properties=to_struct(state, secrets_of=request.inputs, all_secret=secret | handler.kept),
        )

    @expected_failures
    async def Update(self, request: Any, context: Any) -> proto.UpdateResponse:  # noqa: ARG002
        handler, inputs, state = _handler(request.urn), to_python(request.news), to_python(request.olds)
        if request.preview:
            await self._in_thread(handler.foresee, self._work(request), inputs)
            outputs = handler.preview(inputs, state)
        else:
            old = to_python(request.old_inputs)
            outputs = await self._in_thread(handler.update, self._work(request), old, inputs, state)
        properties = to_struct(outputs, secrets_of=request.news, all_secret=handler.kept)
        return proto.UpdateResponse(properties=properties)

    @expected_failures
    async def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002
        handler = _handler(request.urn)
        await self._in_thread(handler.delete, self._work(request), to_python(request.properties))
        return empty_pb2.Empty()

    # Components

    @expected_failures
    async def Construct(self, request: Any, context: Any) -> proto.ConstructResponse:
        components = await self._in_thread(self._components)
        made: proto.ConstructResponse = await components.Construct(request, context)
        return made

    @expected_failures
    async def Call(self, request: Any, context: Any) -> proto.CallResponse:  # noqa: ARG002
        raise Refused(f"azml has no method {request.tok}.")

    @expected_failures
    async def Invoke(self, request: Any, context: Any) -> proto.InvokeResponse:  # noqa: ARG002
        raise Refused(f"azml has no function {request.tok}.")

    # What azml does not take part in; the engine asks and goes on

    async def _unimplemented(self, request: Any, context: grpc.aio.ServicerContext) -> None:  # noqa: ARG002
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "azml does not implement this.")

    Parameterize = List = Attach = GetMapping = GetMappings = _unimplemented  # type: ignore[assignment]

    def _work(self, request: Any) -> Work:
        return Work(self._arm, request.urn, self._cancelled, self._log, getattr(request, "timeout", 0))

    def _arm(self) -> "Arm":
        with self._making_arm:
            return _the_arm()

    def _log(self, urn: str, severity: str, text: str) -> None:
        message = engine_pb2.LogRequest(
            severity=_SEVERITY[severity], urn=urn, message=text, ephemeral=severity == "status"
        )
        try:
            self._engine.Log(message, timeout=10)
        except grpc.RpcError:
            # The engine is gone; the work goes on until Cancel or the end, and has no one to tell.
            self._cancelled.set()

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(function, *args))

    @functools.cache  # noqa: B019 - one servicer lives as long as the process
    def _components(self) -> "ProviderServicer":
        from pulumi.provider.server import ProviderServicer

        from azml.package import Components

        return ProviderServicer(Components(), [], self._engine_address)


@functools.cache
def _the_arm() -> "Arm":
    from azml.resources.arm import Arm

    return Arm()


def package_version() -> str:
    """The installed version of the package."""
    return installed_version("azml")


def package_schema() -> dict[str, Any]:
    """The Pulumi package schema of azml, components and resources, inferred from their classes."""
    from azml.package import schema

    whole: dict[str, Any] = schema(package_version())
    return whole


def main() -> None:
    """Serve until the engine ends us. The engine's address is the first argument that is no flag."""
    address = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if address is None:
        sys.exit("azml is a Pulumi provider: the Pulumi engine starts it. Run `pulumi up` in a project that uses it.")
    try:
        asyncio.run(_serve(address))
    except KeyboardInterrupt:
        sys.exit(130)


async def _serve(address: str) -> None:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # An engine that was killed says no goodbye: without it there is nothing to serve.
    parent = os.getppid()
    while os.getppid() == parent and await server.wait_for_termination(PARENT_SECONDS):
        pass
    await server.stop(None)


def _handler(urn: str) -> Handler:
    type_ = urn.split("::")[2].rsplit("$", 1)[-1]
    if type_ not in HANDLERS:
        raise Refused(f"azml has no resource {type_}. It has: {', '.join(sorted(HANDLERS))}.")
    return HANDLERS[type_]
