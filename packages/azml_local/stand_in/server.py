"""The plugin's process: a gRPC server that tells its port, answers the engine, and ends with it.

Owns how a call that fails is told: an expected failure is its text, an accepted write that did not finish keeps the
resource in state, anything else is one line, with the traceback in the engine's debug log.
"""

# ruff: noqa: D102 - the protocol says what its calls are

import importlib.metadata
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto import status_pb2

from azml_local.stand_in.engine import Engine
from azml_local.stand_in.errors import NotFinished, Refused
from azml_local.stand_in.values import to_struct

_THREADS = 128
"""Calls at once. A call waits for Azure most of its time, and Cancel must get through beside all of them."""
_MESSAGE = 400 * 1024 * 1024
"""Bytes of the longest message, the engine's own limit."""
_Call = Callable[[Any], Any]


class Provider(Protocol):
    """The protocol's calls: each takes the request and gives the answer, from many threads, or raises `Refused`."""

    def get_plugin_info(self, request: Any) -> Any: ...
    def get_schema(self, request: Any) -> Any: ...
    def check_config(self, request: Any) -> Any: ...
    def diff_config(self, request: Any) -> Any: ...
    def configure(self, request: Any) -> Any: ...
    def invoke(self, request: Any) -> Any: ...
    def check(self, request: Any) -> Any: ...
    def diff(self, request: Any) -> Any: ...
    def create(self, request: Any) -> Any: ...
    def read(self, request: Any) -> Any: ...
    def update(self, request: Any) -> Any: ...
    def delete(self, request: Any) -> Any: ...
    def cancel(self, request: Any) -> Any: ...

    def close(self) -> None:
        """Let go of what is held."""


def main(plugin: str, sdk: str, make: Callable[[str, Engine], Provider], arguments: list[str]) -> None:
    """Serve until the engine that started us is gone. The engine gives its address and reads our port.

    `sdk` is the distribution in this environment whose version the plugin has: the engine looks for the same.
    """
    parent = os.getppid()  # before the port is told: an engine that ends sooner breaks the pipe, later is noticed
    engine = Engine(arguments[0] if arguments else None)
    provider = make(importlib.metadata.version(sdk), engine)
    server, port = serve(plugin, provider, engine)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        server.wait_for_termination(timeout=1.0)
    server.stop(grace=None)
    provider.close()


def serve(plugin: str, provider: Provider, engine: Engine) -> tuple[grpc.Server, int]:
    """Start answering on a free port of the loopback."""
    options = [("grpc.max_receive_message_length", _MESSAGE), ("grpc.max_send_message_length", _MESSAGE)]
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=options)
    handlers = {
        name: _handler(f"{plugin} stand-in: {name}", type_, call, engine)
        for name, (type_, call) in _calls(provider).items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pulumirpc.ResourceProvider", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _calls(provider: Provider) -> Mapping[str, tuple[Any, _Call]]:
    """The protocol's calls; those left out answer "unimplemented", which the engine takes."""
    return {
        "GetPluginInfo": (empty_pb2.Empty, provider.get_plugin_info),
        "GetSchema": (wire.GetSchemaRequest, provider.get_schema),
        "CheckConfig": (wire.CheckRequest, provider.check_config),
        "DiffConfig": (wire.DiffRequest, provider.diff_config),
        "Configure": (wire.ConfigureRequest, provider.configure),
        "Invoke": (wire.InvokeRequest, provider.invoke),
        "Check": (wire.CheckRequest, provider.check),
        "Diff": (wire.DiffRequest, provider.diff),
        "Create": (wire.CreateRequest, provider.create),
        "Read": (wire.ReadRequest, provider.read),
        "Update": (wire.UpdateRequest, provider.update),
        "Delete": (wire.DeleteRequest, provider.delete),
        "Cancel": (empty_pb2.Empty, provider.cancel),
    }


def _handler(name: str, request_type: Any, call: _Call, engine: Engine) -> grpc.RpcMethodHandler:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(request)
        except NotFinished as error:
            context.set_trailing_metadata((("grpc-status-details-bin", _details(error, request)),))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - the last place before the user
            engine.debug(traceback.format_exc())
            told = f"{name} failed unexpectedly: {type(error).__name__}: {error}"
            context.abort(grpc.StatusCode.INTERNAL, told)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=request_type.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _details(error: NotFinished, request: Any) -> bytes:
    """What keeps an unfinished resource in state: its id, the inputs as they came, the outputs that could be read."""
    failed = wire.ErrorResourceInitFailed(id=error.id, reasons=[str(error)])
    failed.inputs.CopyFrom(request.news if isinstance(request, wire.UpdateRequest) else request.properties)
    if error.outputs is not None:
        failed.properties.CopyFrom(to_struct(error.outputs))
    detail = any_pb2.Any()
    detail.Pack(failed)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
    return bytes(status.SerializeToString())
