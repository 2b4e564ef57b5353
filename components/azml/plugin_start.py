"""azml's own plugin, started while the program still imports what it needs.

The engine starts a plugin at the first resource that needs it. A program gets there after a second of imports, and the
plugin then takes most of another one: side by side they cost as much as the longer one. Owns that one question to the
engine; what the plugin answers is of no interest, and a plugin that cannot be had is the first resource's to report.
"""

from importlib.metadata import version

from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc
from pulumi.runtime.settings import get_monitor

from azml.resources.resource import token

_asked: list[object] = []
"""The question, for as long as the program runs: gRPC cancels a call that nobody holds."""


def start_plugin() -> None:
    """Have the engine start the plugin, and do not wait for it. Without an engine (tests of wiring) nothing happens."""
    monitor = get_monitor()
    if not isinstance(monitor, resource_pb2_grpc.ResourceMonitorStub):
        return
    # The version that the resources ask for: another one would be another plugin.
    request = resource_pb2.ResourceInvokeRequest(tok=token("start"), version=version("azml"), acceptResources=True)
    _asked.append(monitor.Invoke.future(request))
