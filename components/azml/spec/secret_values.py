"""Secrets that the estate points to and the stack has no value for.

Owns where a stack's config values may stand, as far as files tell. Deliberately reads no value: that a key is there is
enough, encrypted or not. Where a Pulumi ESC environment adds to the config, nobody can tell from files, and nothing is
said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from azml.spec.base import At, Spec, blocks
from azml.spec.errors import Problem, shown
from azml.spec.project import project, project_file
from azml.spec.reader import read
from azml.spec.secrets import PulumiSecret
from azml.spec.stack import StackSpec
from azml.spec.tree import Node, follow, plain, spoken


def missing_secrets(directory: Path, stack: str, tree: Node, spec: StackSpec) -> Iterator[Problem]:
    """Name every `{secret: NAME}` whose value is known to be missing. `tree` and `spec` are the stack's estate."""
    file = (directory / f"Pulumi.{stack}.yaml").resolve()
    stack_file = read(file)
    if "environment" in stack_file.map:
        return
    name = project(directory)
    known = {_bare(key, name) for key in stack_file.map.get("config", stack_file).map} | _defaults(directory, name)
    for at, pointer in _pointers(spec):
        if pointer.secret not in known:
            node, _ = follow(tree, at)
            yield Problem(
                f"the stack {stack} has no value for this secret: {shown(file)} has no {name}:{pointer.secret}",
                node.file,
                *node.at,
                path=spoken(plain(tree), at),
                value=pointer.secret,
                fix=f"run `pulumi config set --secret {pointer.secret} --stack {stack}`, or write "
                f"{name}:{pointer.secret}: VALUE under config where the value is no secret, as on a laptop",
            )


def _pointers(spec: Spec) -> Iterator[tuple[At, PulumiSecret]]:
    """Every `{secret: NAME}` of the estate, with the place of the name."""
    return (((*at, "secret"), block) for at, block in blocks(spec) if isinstance(block, PulumiSecret))


def _bare(key: str, project: str) -> str:
    """A config key without the project's namespace: serving:token, serving:config:token and token are the same."""
    return key.removeprefix(f"{project}:").removeprefix("config:")


def _defaults(directory: Path, name: str) -> set[str]:
    """Keys that Pulumi.yaml gives every stack a value for: as it is, or as the default of a typed one."""
    config = project_file(directory).map.get("config")
    entries = config.map if config is not None else {}
    return {_bare(key, name) for key, node in entries.items() if not node.map or {"default", "value"} & set(node.map)}
