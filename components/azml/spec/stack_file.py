"""From `Pulumi.<stack>.yaml` to a `StackSpec`.

Owns where the estate stands in the stack file and the order of the work: read, put together, judge. Deliberately holds
no rule of its own about what an estate may say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from azml.spec.base import nearest
from azml.spec.errors import Problem, SpecError, shown
from azml.spec.includes import Assembly
from azml.spec.project import project, project_file
from azml.spec.reader import read
from azml.spec.stack import StackSpec
from azml.spec.stages import staged
from azml.spec.tree import Node, plain, spoken
from azml.spec.validation import judged
from azml.spec.written import Written

KEY = "estate"


def load(directory: Path, stack: str, values: object = None) -> StackSpec:
    """Read the estate of a stack.

    `directory` holds `Pulumi.<stack>.yaml`. `values` is the engine's reading of the estate in it, where there is one;
    positions come from the file all the same. Raises `SpecError` with everything that is wrong.
    """
    return judge(assemble(directory, stack, values))


def judge(tree: Node) -> StackSpec:
    """Judge an estate that has been put together. Raises `SpecError`."""
    encrypted = [_encrypted(tree, path) for path in _secure(tree)]
    try:
        spec = judged(StackSpec, plain(tree), tree)
    except SpecError as error:
        paths = tuple(problem.path for problem in encrypted)
        others = (problem for problem in error.problems if not problem.path.startswith(paths))
        raise SpecError([*encrypted, *others]) from None
    if encrypted:
        raise SpecError(encrypted)
    return spec


def assemble(directory: Path, stack: str, values: object = None) -> Node:
    """Put the estate of a stack together: layers, included files, the stack file last. Raises `SpecError`."""
    file = (directory / f"Pulumi.{stack}.yaml").resolve()
    estate = _estate(file, stack, values)
    if not isinstance(estate.value, dict):
        problem = Problem(
            "must be a map",
            estate.file,
            *estate.at,
            path=KEY,
            value=plain(estate),
            fix="begin with stage and workspace",
        )
        raise SpecError([problem])
    assembly = Assembly()
    whole = assembly.layered(estate, (file,))
    if assembly.problems:
        raise SpecError(assembly.problems)
    return staged(whole)


def stacks(directory: Path) -> list[str]:
    """Name the stacks that have a file in a folder."""
    names = (file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in directory.glob("Pulumi.*.yaml"))
    return sorted(names)


def _estate(file: Path, stack: str, values: object) -> Node:
    name = project(file.parent)
    if not file.exists():
        raise SpecError([_no_stack(file, stack)])
    root = read(file)
    config = root.map.get("config", root)
    found = next((config.map[key] for key in (f"{name}:{KEY}", f"{name}:config:{KEY}", KEY) if key in config.map), None)
    if values is not None:
        return _overlaid(values, found if found is not None else config)
    if found is None:
        raise SpecError([_no_estate(root, config, name)])
    return found


def _no_stack(file: Path, stack: str) -> Problem:
    known = stacks(file.parent)
    root = project_file(file.parent)
    # The stack's file cannot be pointed to; what says where it would be can.
    place = root.map.get("stackConfigDir", root)
    near = nearest(stack, known)
    return Problem(
        f"there is no stack {stack}: {shown(file)} does not exist",
        place.file,
        *place.at,
        allowed=", ".join(known) or None,
        fix=f"did you mean {near}?" if near else f"make it with `pulumi stack init {stack}`",
    )


def _no_estate(root: Node, config: Node, name: str) -> Problem:
    """Say what stands where the estate should be."""
    meant = f"{name}:{KEY}"
    wrong = next((key for key in config.map if key.endswith(f":{KEY}")), nearest(meant, list(config.map)))
    if config is root or wrong is None:
        fix = f"add under config: {meant}: with stage and workspace"
        return Problem(f"there is no {meant} in the config", config.file, *(config.key or config.at), fix=fix)
    node = config.map[wrong]
    return Problem(
        f"there is no {meant} in the config, but {wrong}",
        node.file,
        *(node.key or node.at),
        path=f"config.{wrong}",
        allowed=f"{meant}: the namespace is the name of the project in Pulumi.yaml",
        fix=f"rename {wrong} to {meant}",
    )


def _overlaid(value: Any, node: Node) -> Node:
    """Take the engine's value at the place where the file has it, or at the nearest place that the file has."""
    if isinstance(value, Mapping):
        return node.with_value({str(key): _overlaid(child, node.map.get(key, node)) for key, child in value.items()})
    if isinstance(value, list):
        items = node.items
        return node.with_value(
            [_overlaid(child, items[i] if i < len(items) else node) for i, child in enumerate(value)]
        )
    if isinstance(value, str):
        value = Written.of(value, node.file.parent)
    return node.with_value(value)


def _secure(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Find what the engine has encrypted: a map with the single key `secure`."""
    if set(node.map) == {"secure"}:
        yield path
        return
    for key, child in node.map.items():
        yield from _secure(child, (*path, key))
    for index, child in enumerate(node.items):
        yield from _secure(child, (*path, index))


def _encrypted(tree: Node, path: tuple[str | int, ...]) -> Problem:
    node = tree
    for part in path:
        node = node.map[part] if isinstance(part, str) else node.items[part]
    return Problem(
        "is an encrypted value, and the estate only points to secrets",
        node.file,
        *node.at,
        path=spoken(plain(tree), path),
        allowed="{secret: NAME} or {key_vault: URI}",
        fix="run `pulumi config set --secret NAME`, and write {secret: NAME} here",
    )
