"""Secrets that the estate points to and the stack has no value for.

Owns where a stack's config values may stand, as far as files tell. Deliberately reads no value: that a key is there is
enough, encrypted or not. Where a Pulumi ESC environment adds to the config, nobody can tell from files, and nothing is
said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    for e, endpoint in enumerate(spec.online_endpoints):
        for d, deployment in enumerate(endpoint.deployments):
            for variable, value in deployment.environment_variables.items():
                if isinstance(value, PulumiSecret) and value.secret not in known:
                    at = ("online_endpoints", e, "deployments", d, "environment_variables", variable, "secret")
                    node, _ = follow(tree, at)
                    yield Problem(
                        f"the stack {stack} has no value for this secret: {shown(file)} has no {name}:{value.secret}",
                        node.file,
                        *node.at,
                        path=spoken(plain(tree), at),
                        value=value.secret,
                        fix=f"run `pulumi config set --secret {value.secret} --stack {stack}`, or write "
                        f"{name}:{value.secret}: VALUE under config where the value is no secret, as on a laptop",
                    )


def _bare(key: str, project: str) -> str:
    """A config key without the project's namespace: serving:token, serving:config:token and token are the same."""
    return key.removeprefix(f"{project}:").removeprefix("config:")


def _defaults(directory: Path, name: str) -> set[str]:
    """Keys that Pulumi.yaml gives every stack a value for: as it is, or as the default of a typed one."""
    config = project_file(directory).map.get("config")
    entries = config.map if config is not None else {}
    return {_bare(key, name) for key, node in entries.items() if not node.map or {"default", "value"} & set(node.map)}
