"""The engine as the plugin sees it: where messages go."""

import functools
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine's log. Without an address (none is given outside an update) messages go nowhere."""

    def __init__(self, address: str | None) -> None:
        self._address = address

    def warn(self, urn: str, text: str) -> None:
        """Tell the user something about a resource."""
        self._log(engine_pb2.WARNING, urn, text)

    def status(self, urn: str, text: str) -> None:
        """Show what is done with a resource, in its status line only."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def info(self, urn: str, text: str) -> None:
        """Tell the user something about a resource that asks nothing of them."""
        self._log(engine_pb2.INFO, urn, text)

    def debug(self, text: str) -> None:
        """Leave something for `pulumi --debug`."""
        self._log(engine_pb2.DEBUG, "", text)

    def _log(self, severity: Any, urn: str, text: str, *, ephemeral: bool = False) -> None:
        if self._stub is None:
            return
        try:
            self._stub.Log(engine_pb2.LogRequest(severity=severity, urn=urn, message=text, ephemeral=ephemeral))
        except grpc.RpcError:  # the engine is going away; there is nobody left to tell
            return

    @functools.cached_property
    def _stub(self) -> Any:
        return None if self._address is None else engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
