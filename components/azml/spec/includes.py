"""Files that an estate is made of: layers (`extends`) and included `az ml` files (`file`).

Owns which files are read, in which order, and what is said when one is not there or goes in circles. Deliberately does
not judge what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from azml.spec.base import Finding
from azml.spec.errors import Problem, SpecError, shown
from azml.spec.layers import merge
from azml.spec.paths import missing, not_a_path, resolve
from azml.spec.reader import MAX_DEPTH, read
from azml.spec.tree import Node, size

BLOCKS = frozenset(
    {
        "workspace",
        "container_registry",
        "registries",
        "models",
        "environments",
        "online_endpoints",
        "deployments",
        "model",
        "environment",
    }
)
"""Keys whose maps, or lists of maps, may say `file:`. Elsewhere, as in tags, `file` is a key like any other."""

MAX_VALUES = 1_000_000
"""Values that an estate may grow to through files that several others name; 10,000 endpoints need a third of it."""

Chain = tuple[Path, ...]


class Assembly:
    """Puts an estate together from its files. What is wrong gathers in `problems`; the rest goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._opened: dict[tuple[str, Path], tuple[Node, int]] = {}
        self._unreadable: set[Path] = set()
        self._values = 0

    def layered(self, estate: Node, chain: Chain) -> Node:
        """Lay an estate over the layers that it extends. `chain` are the files that led here, itself last."""
        own = self._expanded(estate.with_value({k: v for k, v in estate.map.items() if k != "extends"}), chain)
        below: Node | None = None
        for reference in self._extends(estate):
            layer = self._open(reference, chain, "layer", self.layered)
            if layer is not None:
                below = layer if below is None else merge(below, layer)
        return own if below is None else merge(below, own)

    def _extends(self, estate: Node) -> list[Node]:
        extends = estate.map.get("extends")
        if extends is None or extends.value is None:
            return []
        references = extends.items if isinstance(extends.value, list) else [extends]
        good = [reference for reference in references if isinstance(reference.value, str)]
        for bad in references:
            if not isinstance(bad.value, str):
                self._wrong(bad, "must be the path of a layer", path="extends", fix="write extends: [layers/base.yaml]")
        return good

    def _expanded(self, node: Node, chain: Chain, depth: int = 0, *, block: bool = False) -> Node:
        """Put included files in place, in every block below and in the node itself."""
        if depth > MAX_DEPTH:
            self._wrong(node, f"is nested more than {MAX_DEPTH} levels deep", fix="an estate needs about ten")
            return node
        if isinstance(node.value, list):
            known = len(self.problems)
            items = [self._expanded(item, chain, depth + 1, block=block) for item in node.value]
            if block and len(self.problems) == known:
                self._check_names(items)
            return node.with_value(items)
        if not isinstance(node.value, dict):
            return node
        if BLOCKS.isdisjoint(node.value) and not (block and "file" in node.value):
            return node
        entries = {
            key: self._expanded(child, chain, depth + 1, block=True) if key in BLOCKS else child
            for key, child in node.value.items()
        }
        reference = entries.pop("file", None) if block else None
        node = node.with_value(entries)
        return node if reference is None else self._included(reference, node, chain, depth + 1)

    def _check_names(self, items: list[Node]) -> None:
        """Layers find the items of a list by name: each needs one of its own, already within one file."""
        first: dict[str, Node] = {}
        for item in items:
            name = item.name
            if name is not None and name in first:
                twin = first[name]
                fix = f"rename one of them: the first stands in {shown(twin.file)}, line {twin.at[0]}"
                self.problems.append(Problem(f"two things here are called {name}", item.file, *item.at, fix=fix))
            elif name is not None:
                first[name] = item
            elif isinstance(item.value, dict) and "name" not in item.value:
                fix = f"add name: {_name_in(item)}"
                self.problems.append(Problem("this item has no name", item.file, *item.at, fix=fix))

    def _included(self, reference: Node, overrides: Node, chain: Chain, depth: int) -> Node:
        if not isinstance(reference.value, str):
            self._wrong(reference, "must be the path of a YAML file", path="file")
            return overrides
        included = self._open(
            reference, chain, "file", lambda tree, chain: self._expanded(tree, chain, depth, block=True)
        )
        return overrides if included is None else _renamed(included.name, merge(included, overrides))

    def _open(self, reference: Node, chain: Chain, kind: str, then: Callable[[Node, Chain], Node]) -> Node | None:
        """Read a file that another one names, and go on in it. None after a problem."""
        path = self._path(reference, chain, kind)
        if path is None:
            return None
        if (kind, path) not in self._opened:
            tree = self._read(path, reference)
            if tree is None:
                return None
            before = self._values
            self._values += size(tree)
            opened = then(tree, (*chain, path))
            self._opened[kind, path] = opened, self._values - before
        else:
            self._values += self._opened[kind, path][1]
        if self._values > MAX_VALUES:
            self._wrong(reference, f"makes the estate grow beyond {MAX_VALUES:,} values", fix="name fewer files twice")
            raise SpecError(self.problems)
        return self._opened[kind, path][0]

    def _path(self, reference: Node, chain: Chain, kind: str) -> Path | None:
        text = str(reference.value)
        try:
            path = resolve(reference.value)  # type: ignore[arg-type]
            there = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            self._found(reference, not_a_path(kind, text, error))
            return None
        if path in chain:
            circle = " → ".join(shown(file) for file in (*chain[chain.index(path) :], path))
            self._wrong(reference, f"goes in a circle: {circle}", fix="take one of them out")
            return None
        if len(chain) > MAX_DEPTH:
            self._wrong(reference, f"is the end of a chain of {len(chain)} files", fix="name the files in one place")
            return None
        if not there:
            self._found(reference, missing(kind, text, path))
            return None
        return path

    def _read(self, path: Path, reference: Node) -> Node | None:
        """Read a file that must hold a map; None where it does not, said once a file."""
        if path in self._unreadable:
            return None
        try:
            tree = read(path)
        except SpecError as error:
            self.problems += [_located(problem, reference) for problem in error.problems]
        else:
            if isinstance(tree.value, dict | None):
                return tree if tree.value is not None else tree.with_value({})
            self._wrong(tree, "must hold a map of fields")
        self._unreadable.add(path)
        return None

    def _found(self, node: Node, finding: Finding) -> None:
        self._wrong(node, finding.what, allowed=finding.allowed, fix=finding.fix)

    def _wrong(
        self, node: Node, what: str, *, path: str = "", allowed: str | None = None, fix: str | None = None
    ) -> None:
        value = node.value if isinstance(node.value, str) else None
        self.problems.append(Problem(what, node.file, *node.at, path, value, allowed, fix))


def _located(problem: Problem, reference: Node) -> Problem:
    """A file that cannot be read has no line of its own: the line that names it says where."""
    if problem.line is not None:
        return problem
    line, column = reference.at
    return replace(problem, file=reference.file, line=line, column=column, value=reference.value)


def _renamed(name: str | None, endpoint: Node) -> Node:
    """Take the deployments along where an included endpoint gets another name: their files still name the old one."""
    if name is None or endpoint.name in {None, name} or "deployments" not in endpoint.map:
        return endpoint
    new = endpoint.map["name"]
    deployments = [_moved(deployment, name, new) for deployment in endpoint.map["deployments"].items]
    return endpoint.with_value({**endpoint.map, "deployments": endpoint.map["deployments"].with_value(deployments)})


def _moved(deployment: Node, name: str, new: Node) -> Node:
    written = deployment.map.get("endpoint_name")
    if written is None or written.value != name:
        return deployment
    return deployment.with_value({**deployment.map, "endpoint_name": written.with_value(new.value)})


def _name_in(item: Node) -> str:
    """The name that an item needs: of something that exists it stands in the id."""
    existing = item.map.get("existing")
    text = existing.value if existing is not None else None
    return re.sub(r"/versions/[^/]*$", "", text).rpartition("/")[2] if isinstance(text, str) else "NAME"
