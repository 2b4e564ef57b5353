"""Putting the plugin where the engine looks for it: a project's own `PULUMI_HOME`."""

import importlib.metadata
import shlex
import sys
from pathlib import Path

_NAME = "pulumi-resource-azure-native"


def install(pulumi_home: Path) -> Path:
    """Write the plugin for this environment's SDK version, and tell its folder. Nothing is written if it is there.

    Only into a home of one project: in the user's own home every other project would get the stand-in, too.
    """
    version = importlib.metadata.version("pulumi_azure_native")
    folder = pulumi_home / "plugins" / f"resource-azure-native-v{version}"
    program = folder / _NAME
    text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m azml_local.azure_native "$@"\n'
    if not program.is_file() or program.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{_NAME}.partial"
        partial.write_text(text)
        partial.chmod(0o755)
        partial.replace(program)
    return folder
