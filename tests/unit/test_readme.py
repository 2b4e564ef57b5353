"""README says what is there: its paths exist, its commands are commands, its targets are targets."""

import re
from pathlib import Path

import pytest

from azml_cli.__main__ import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = "components|packages|policies|tests|stacks|samples|templates|engine|docs|schemas"
PATHS = {path for path in re.findall(rf"`((?:{FOLDERS})/[^`\s]*)`", README) if "<" not in path}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_a_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"azml ([a-z]+)", README))))
def test_a_command_exists(command: str) -> None:
    names = {given.callback.__name__ for given in app.registered_commands if given.callback}
    assert command in names | {group.name for group in app.registered_groups}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z-]+)", README)) - {"it", "sure"}))
def test_a_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_make_target_and_every_document_is_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    (others,) = re.findall(r"^`make help` lists the other targets: (.*)\.$", README, re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", others)) == targets - {"up", "destroy", "test", "help"}
    (row,) = re.findall(r"^\| `docs/` \| (.*) \|$", README, re.MULTILINE)
    assert set(re.findall(r"`([^`]+\.md)`", row)) == {path.name for path in (ROOT / "docs").glob("*.md")}
