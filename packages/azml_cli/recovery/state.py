"""A stack's state: exported from the engine, edited, and imported again.

The edits are what the engine would have written had it not been interrupted. Whatever may not be in Azure as the state
says carries `initErrors`: the engine's own mark of a resource that is there and not in order, which the next update
writes again whether or not its inputs changed. (`pulumi refresh --import-pending-creates` of 3.259 drops the operation
and imports nothing.)
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_cli.recovery.interrupted import Journal, is_in_azure

INTERRUPTED = "An update was interrupted here: written again by the next one."


class EngineFailed(Exception):  # noqa: N818 - says what happened
    """The engine could not read or write the state; its own words."""


@dataclass(frozen=True)
class Engine:
    """How to ask the engine about one stack."""

    pulumi: Path
    root: Path
    environment: Mapping[str, str]
    stack: str

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Its output. Raises `EngineFailed`."""
        done = subprocess.run(
            [self.pulumi, *arguments, "--stack", self.stack, "--non-interactive"],
            cwd=self.root, env=dict(self.environment), input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise EngineFailed(done.stderr.strip() or done.stdout.strip())
        return done.stdout


class State:
    """The state of a stack, secrets as the backend keeps them."""

    def __init__(self, exported: dict[str, Any]) -> None:
        self._exported = exported
        self.deployment: dict[str, Any] = exported.get("deployment") or {}
        self.resources: list[dict[str, Any]] = self.deployment.setdefault("resources", [])

    @classmethod
    def of(cls, engine: Engine) -> "State":
        """Export it."""
        return cls(json.loads(engine.run("stack", "export")))

    def write(self, engine: Engine) -> None:
        """Import it; the engine checks that it is whole."""
        self.deployment.pop("pending_operations", None)
        engine.run("stack", "import", given=json.dumps(self._exported))

    def has(self, urn: str, id_: str | None = None) -> bool:
        """Whether a resource is there, under this id if one is given."""
        return any(id_ is None or _same(one, id_) for one in self._living(urn))

    def adopt(self, resource: Mapping[str, Any], id_: str, outputs: Mapping[str, Any]) -> None:
        """Take in what a create made. One of the same urn that is there was to be replaced, and is to be deleted."""
        if self.has(resource["urn"], id_):
            return
        for old in self._living(resource["urn"]):
            old["delete"] = True
        known = {one["urn"] for one in self.resources}
        entry = {key: value for key, value in resource.items() if key not in ("propertyDependencies", "initErrors")}
        entry["dependencies"] = [urn for urn in resource.get("dependencies") or [] if urn in known]
        self.resources.append({**entry, "id": id_, "outputs": dict(outputs), "initErrors": [INTERRUPTED]})

    def catch_up(self, journal: Journal) -> None:
        """Bring a state of before a run to what the run did, as far as its journal tells: no secrets, for example."""
        for one in journal.made:
            if not self.has(one["urn"]):
                mark = {"initErrors": [INTERRUPTED]} if is_in_azure(one) else {}
                self.resources.append({**one, **mark})
        for one in journal.deleted:
            self.remove(one["urn"], str(one.get("id", "")))

    def write_again(self, urn: str) -> None:
        """Have the next update write a resource."""
        for one in self._living(urn):
            one["initErrors"] = [INTERRUPTED]

    def remove(self, urn: str, id_: str) -> None:
        """Forget what is gone. While another one refers to it, the next update makes it again or deletes both."""
        if any(urn in (one.get("parent"), *(one.get("dependencies") or [])) for one in self.resources):
            self.write_again(urn)
            return
        self.resources[:] = [one for one in self.resources if not (one["urn"] == urn and _same(one, id_))]

    def _living(self, urn: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["urn"] == urn and not one.get("delete")]


def _same(resource: Mapping[str, Any], id_: str) -> bool:
    return str(resource.get("id", "")).lower() == id_.lower()
