"""A full disk under a command is said in a line. /dev/full is one that every Linux has."""

import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", [["schema"], ["validate", "local", "--json"]], ids=" ".join)
def test_it_is_said(root: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [root / ".venv/bin/azml", *command], cwd=root, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "The disk is full.\nMake room, then run it again: nothing is lost.\n"
