"""The pack as a program of its own, `azml-policies`: what a wheel installs.

Owns a quick start. The pack needs the stubs of Pulumi's protocol and nothing else of its SDK, whose import costs more
than half of the start (0.9 s of CPU instead of 0.4 s), and a preview waits for its packs.
"""

import sys
from importlib.util import find_spec
from types import ModuleType


def main() -> None:
    """Serve until the engine ends us, or is gone."""
    _without_the_sdk()
    from azml_policies.server import main as serve

    serve()


def _without_the_sdk() -> None:
    """Let the packages around the stubs be folders: what their `__init__` would import is not needed."""
    found = find_spec("pulumi")
    if found is None or found.submodule_search_locations is None:
        return  # the import of the stubs says so
    (folder,) = found.submodule_search_locations
    for name, place in (("pulumi", folder), ("pulumi.runtime", f"{folder}/runtime")):
        package = ModuleType(name)
        package.__path__ = [place]
        sys.modules[name] = package
