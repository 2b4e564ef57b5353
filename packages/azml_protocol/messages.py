"""The protocol's messages without the SDK around them: Pulumi has both in one package."""

import importlib.util
import sys
import types


def without_the_sdk() -> None:
    """Let the protocol's messages be imported without the packages around them. Call it before any import of them.

    `pulumi/__init__` imports the whole SDK: 0.4 s and 25 MB at every command of the engine, for a process that
    needs the messages only.
    """
    found = importlib.util.find_spec("pulumi")
    root = found.submodule_search_locations[0] if found is not None and found.submodule_search_locations else ""
    for name, folder in (("pulumi", ""), ("pulumi.runtime", "/runtime"), ("pulumi.runtime.proto", "/runtime/proto")):
        package = types.ModuleType(name)
        package.__path__ = [root + folder]
        sys.modules[name] = package
