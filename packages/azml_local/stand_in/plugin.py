"""What every provider answers alike: who it is, and that any configuration will do."""

import json
from typing import Any

from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as wire


class Plugin:
    """A plugin by its name, in the version that the engine asked for."""

    def __init__(self, name: str, version: str) -> None:
        self._name, self._version = name, version

    def get_plugin_info(self, _request: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=self._version)

    def get_schema(self, _request: Any) -> Any:
        """Tell name and version: programs bring the schema with their SDK."""
        return wire.GetSchemaResponse(schema=json.dumps({"name": self._name, "version": self._version}))

    def check_config(self, request: Any) -> Any:
        """Take any configuration."""
        return wire.CheckResponse(inputs=request.news)

    def diff_config(self, _request: Any) -> Any:
        """A changed configuration replaces nothing."""
        return wire.DiffResponse()
