"""Imports point one way, and every room stays what it says. The rule is README's map, as a table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"azml", "azml_change", "azml_cli", "azml_gateway", "azml_local", "azml_policies", "azml_protocol"}

# A room (longest path prefix wins) and the rooms that it may import. A room may always import itself.
ROOMS: dict[str, set[str]] = {
    "stacks": {"components/azml/build"},
    "components/azml/facts": set(),
    "components/azml/spec": {"components/azml/facts"},
    "components/azml/naming": {"components/azml/facts"},
    "components/azml/resources": {
        "components/azml/spec", "components/azml/naming", "components/azml/facts", "packages/azml_protocol",
    },
    "components/azml/build": {
        "components/azml/components", "components/azml/resources", "components/azml/spec",
        "components/azml/naming", "components/azml/facts",
    },
    "components/azml/provider": {"components/azml/components", "components/azml/resources", "components/azml/spec"},
    "components/azml/components": {
        "components/azml/resources", "components/azml/spec", "components/azml/naming", "components/azml/facts",
    },
    "policies": {"components/azml/facts", "packages/azml_protocol"},
    "packages/azml_gateway": set(),
    "packages/azml_protocol": set(),
    "packages/azml_local": {"packages/azml_gateway", "packages/azml_protocol", "components/azml/facts"},
    "packages/azml_change": {
        "components/azml/resources", "components/azml/spec", "components/azml/facts", "packages/azml_protocol",
    },
    "packages/azml_cli": {
        "packages/azml_change", "packages/azml_local", "packages/azml_gateway", "packages/azml_protocol",
        "components/azml/spec", "components/azml/resources", "components/azml/naming", "components/azml/facts",
        "components/azml/components",  # `azml versions`: what `up` would export, in the same words
        "policies",  # the schemas of their settings
    },
}  # fmt: skip
NO_PULUMI = (
    "components/azml/spec",
    "components/azml/facts",
    "packages/azml_gateway",
    "packages/azml_change",
    "packages/azml_cli",
)


def sources() -> list[Path]:
    folders = ("stacks", "components", "packages", "policies")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def room_of(path: str) -> str | None:
    """The room that a file (given relative to the root, without suffix) stands in."""
    if path in {"components/azml/__init__", "components/azml/__main__"}:
        return None  # the public face and the host: they import what they present
    if path.startswith("components/azml/") and path.count("/") == 2:
        name = path.rpartition("/")[2]
        return path if name in {"naming", "build", "provider"} else "components/azml/components"
    return max((room for room in ROOMS if path == room or path.startswith(f"{room}/")), key=len, default=None)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module, as the dotted name of what is really loaded."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that a move shows"
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                yield dotted if where(dotted) else str(node.module)


def where(module: str) -> str | None:
    """The file (relative, without suffix) of one of our modules."""
    for folder in ("components", "packages", "policies"):
        base = Path(folder, *module.split("."))
        if (ROOT / base).with_suffix(".py").is_file():
            return base.as_posix()
        if (ROOT / base / "__init__.py").is_file():
            return (base / "__init__").as_posix()
    return None


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path.relative_to(ROOT).with_suffix("").as_posix())
    if room is None:
        return
    for module in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if module.split(".")[0] not in OURS:
            continue
        target = where(module)
        assert target is not None, f"{module} is no module of ours"
        if (goal := room_of(target)) is not None:
            assert goal == room or goal in ROOMS[room], f"{room} must not import {goal} ({module})"


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pulumi_stays_out(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    if relative.startswith(NO_PULUMI):
        roots = {module.split(".")[0] for module in imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert not roots & {"pulumi", "pulumi_azure_native"}


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_rule_refuses() -> None:
    """The table means something: the gateway importing the control plane would be seen."""
    (module,) = imports(ast.parse("from azml_local import start"))
    assert room_of(where(module) or "") == "packages/azml_local"
    assert "packages/azml_local" not in ROOMS["packages/azml_gateway"]
