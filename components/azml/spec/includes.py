"""Files that an estate is made of: layers (`extends`) and included `az ml` files (`file`).

Owns which files are read, in which order, and what is said when one is not there or goes in circles. Deliberately does
not judge what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from azml.spec.errors import Problem, SpecError, shown
from azml.spec.layers import merge
from azml.spec.paths import missing, resolve
from azml.spec.reader import read
from azml.spec.tree import Node

BLOCKS = frozenset(
    {
        "workspace",
        "container_registry",
        "models",
        "environments",
        "online_endpoints",
        "deployments",
        "model",
        "environment",
    }
)
"""Keys whose maps, or lists of maps, may say `file:`. Elsewhere, as in tags, `file` is a key like any other."""

Chain = tuple[Path, ...]


class Assembly:
    """Puts an estate together from its files. What is wrong gathers in `problems`; the rest goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._trees: dict[Path, Node | None] = {}

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
                self._wrong(bad, "extends", "must be the path of a layer", fix="write extends: [layers/base.yaml]")
        return good

    def _expanded(self, node: Node, chain: Chain, *, block: bool = False) -> Node:
        """Put included files in place, in every block below and in the node itself."""
        if isinstance(node.value, list):
            known = len(self.problems)
            items = [self._expanded(item, chain, block=block) for item in node.value]
            if block and len(self.problems) == known:
                self._check_names(items)
            return node.with_value(items)
        if not isinstance(node.value, dict):
            return node
        if BLOCKS.isdisjoint(node.value) and not (block and "file" in node.value):
            return node
        entries = {
            key: self._expanded(child, chain, block=True) if key in BLOCKS else child
            for key, child in node.value.items()
        }
        reference = entries.pop("file", None) if block else None
        node = node.with_value(entries)
        return node if reference is None else self._included(reference, node, chain)

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
                self.problems.append(Problem("this item has no name", item.file, *item.at, fix="add name: NAME"))

    def _included(self, reference: Node, overrides: Node, chain: Chain) -> Node:
        if not isinstance(reference.value, str):
            self._wrong(reference, "file", "must be the path of a YAML file")
            return overrides
        included = self._open(reference, chain, "file", lambda tree, chain: self._expanded(tree, chain, block=True))
        return overrides if included is None else _renamed(included.name, merge(included, overrides))

    def _open(self, reference: Node, chain: Chain, kind: str, then: Callable[[Node, Chain], Node]) -> Node | None:
        """Read a file that another one names, and go on in it. None after a problem."""
        path = self._path(reference, chain, kind)
        tree = None if path is None else self._read(path)
        if path is None or tree is None:
            return None
        if not isinstance(tree.value, dict | None):
            self._wrong(tree, "", "must hold a map of fields")
            return None
        return then(tree if tree.value is not None else tree.with_value({}), (*chain, path))

    def _path(self, reference: Node, chain: Chain, kind: str) -> Path | None:
        text = str(reference.value)
        try:
            path = resolve(reference.value)  # type: ignore[arg-type]
            there = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            self._wrong(reference, "", f"is not a path: {error}")
            return None
        if path in chain:
            circle = " → ".join(shown(file) for file in (*chain[chain.index(path) :], path))
            self._wrong(reference, "", f"goes in a circle: {circle}", fix="take one of them out")
            return None
        if not there:
            finding = missing(kind, text, path)
            self._wrong(reference, "", finding.what, fix=finding.fix)
            return None
        return path

    def _read(self, path: Path) -> Node | None:
        if path not in self._trees:
            try:
                self._trees[path] = read(path)
            except SpecError as error:
                self.problems += error.problems
                self._trees[path] = None
        return self._trees[path]

    def _wrong(self, node: Node, path: str, what: str, fix: str | None = None) -> None:
        value = node.value if isinstance(node.value, str) else None
        self.problems.append(Problem(what, node.file, *node.at, path=path, value=value, fix=fix))


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
