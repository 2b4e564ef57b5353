"""A provider that takes every resource, for programs whose types the local Azure does not emulate.

It tells the engine what azure-native would where that matters to policies: in a preview inputs are echoed and ids are
not known; made resources have ARM ids. Deliberately no Azure: nothing is kept, nothing is refused.
"""

# ruff: noqa: N802 - the protocol names the methods

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
_KINDS = {
    "ResourceGroup": "",
    "ManagedCluster": "providers/Microsoft.ContainerService/managedClusters",
}


class Taking(provider_pb2_grpc.ResourceProviderServicer):
    """Yes to everything."""

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=version("pulumi_azure_native"))

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.DiffResponse()

    def Configure(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptSecrets=True)

    def Check(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _context: Any) -> Any:
        changed = request.old_inputs != request.news
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind)

    def Create(self, request: Any, _context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        request.properties.update({"name": _name(request)})
        return provider_pb2.CreateResponse(id=_id(request), properties=request.properties)

    def Update(self, request: Any, _context: Any) -> Any:
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()


def _id(request: Any) -> str:
    kind = _KINDS.get(request.urn.split("::")[2].rpartition(":")[2], "providers/Any/things")
    group = f"{SUBSCRIPTION}/resourceGroups/{_inputs(request)['resourceGroupName']}"
    return f"{group}/{kind}/{_name(request)}" if kind else group


def _name(request: Any) -> str:
    inputs = _inputs(request)
    return inputs.get("resourceName") or inputs["resourceGroupName"]


def _inputs(request: Any) -> dict[str, str]:
    return {key: value.string_value for key, value in request.properties.fields.items()}


def main() -> None:
    """Serve until the engine ends us."""
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Taking(), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    with suppress(KeyboardInterrupt):
        server.wait_for_termination()


if __name__ == "__main__":
    main()
