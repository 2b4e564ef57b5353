"""The engine's side of the provider protocol, for driving a plugin over gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from azml_local.stand_in.values import UNKNOWN, from_struct, to_struct

__all__ = ["UNKNOWN", "Client", "Failure"]


@dataclass
class Failure(Exception):  # noqa: N818
    """A call that the plugin ended with an error."""

    message: str
    unfinished: wire.ErrorResourceInitFailed | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def kept(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id, inputs and outputs that stay in state."""
        assert self.unfinished is not None
        return self.unfinished.id, from_struct(self.unfinished.inputs), from_struct(self.unfinished.properties)


def _unfinished(error: grpc.RpcError) -> wire.ErrorResourceInitFailed | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            detail = status_pb2.Status.FromString(value).details[0]
            failed = wire.ErrorResourceInitFailed()
            assert isinstance(detail, any_pb2.Any)
            assert detail.Unpack(failed)
            return failed
    return None


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"


class Client:
    """One resource type's calls, as the engine makes them."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def call(self, name: str, request: Any) -> Any:
        try:
            return getattr(self.stub, name)(request, timeout=60)
        except grpc.RpcError as error:
            raise Failure(error.details(), _unfinished(error)) from None

    def configure(self, **config: str) -> Any:
        variables = {f"azure-native:config:{key}": value for key, value in config.items()}
        return self.call("Configure", wire.ConfigureRequest(variables=variables))

    def check(
        self,
        token: str,
        inputs: Mapping[str, Any],
        old: Mapping[str, Any] | None = None,
        name: str = "thing",
        seed: bytes = b"seed",
        autonaming: tuple[int, str] | None = None,
    ) -> tuple[dict[str, Any], list[str]]:
        request = wire.CheckRequest(
            urn=urn(token, name), news=to_struct(inputs), olds=to_struct(old or {}), randomSeed=seed
        )
        if autonaming is not None:
            request.autonaming.mode, request.autonaming.proposed_name = autonaming  # type: ignore[assignment]
        answer = self.call("Check", request)
        return from_struct(answer.inputs), [failure.reason for failure in answer.failures]

    def diff(self, token: str, old: Mapping[str, Any], new: Mapping[str, Any], state: Mapping[str, Any] = {}) -> Any:
        return self.call(
            "Diff",
            wire.DiffRequest(
                urn=urn(token, "thing"),
                id="id",
                olds=to_struct(state),
                news=to_struct(new),
                old_inputs=to_struct(old),
            ),
        )

    def create(
        self, token: str, inputs: Mapping[str, Any], *, preview: bool = False, timeout: float = 0
    ) -> tuple[str, dict[str, Any]]:
        request = wire.CreateRequest(
            urn=urn(token, "thing"), properties=to_struct(inputs), preview=preview, timeout=timeout
        )
        answer = self.call("Create", request)
        return answer.id, from_struct(answer.properties)

    def read(
        self, token: str, id_: str, inputs: Mapping[str, Any] | None = None, state: Mapping[str, Any] = {}
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        request = wire.ReadRequest(urn=urn(token, "thing"), id=id_, properties=to_struct(state))
        if inputs is not None:
            request.inputs.CopyFrom(to_struct(inputs))
        answer = self.call("Read", request)
        return answer.id, from_struct(answer.properties), from_struct(answer.inputs)

    def update(
        self,
        token: str,
        id_: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        state: Mapping[str, Any] = {},
        *,
        preview: bool = False,
    ) -> dict[str, Any]:
        answer = self.call(
            "Update",
            wire.UpdateRequest(
                urn=urn(token, "thing"),
                id=id_,
                olds=to_struct(state),
                news=to_struct(new),
                old_inputs=to_struct(old),
                preview=preview,
            ),
        )
        return from_struct(answer.properties)

    def delete(self, token: str, id_: str) -> None:
        self.call("Delete", wire.DeleteRequest(urn=urn(token, "thing"), id=id_))

    def invoke(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.call("Invoke", wire.InvokeRequest(tok=token, args=to_struct(args)))
        return from_struct(getattr(answer, "return"))

    def cancel(self) -> None:
        self.call("Cancel", empty_pb2.Empty())
