"""A deployed estate whose program is changed row by row of `tests/local/changes/table.yaml`, and put back.

Owns how a row's words become files of a clone. Deliberately knows nothing of previews.
"""

import copy
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from azml_cli.project import Project
from azml_local import environment
from tests.support.clone import Clone
from tests.support.third_party import third_party

CHANGES = Path(__file__).parents[1] / "local" / "changes"
TABLE: list[dict[str, Any]] = yaml.safe_load((CHANGES / "table.yaml").read_text(encoding="utf-8"))
TOKEN = "hunter2-first"
GROUP = "rg-shared"
"""A resource group that others made, with an identity in it."""


@dataclass(frozen=True)
class Estate:
    """The base estate, up and running. `shared`: where the group of others has its resources."""

    clone: Clone
    shared: str

    @classmethod
    def make(cls, clone: Clone) -> "Estate":
        """Bring `base.yaml` up on the clone's own local Azure."""
        shutil.copytree(clone.root / "samples/diabetes", clone.root / "samples/split")
        salt = re.search(r"^encryptionsalt: .*$", clone.stack_file.read_text(), re.MULTILINE)
        assert salt is not None
        clone.stack_file.write_text(f"{(CHANGES / 'base.yaml').read_text()}{salt[0]}\n")
        engine = _engine(clone)
        engine("stack", "init")
        engine("config", "set", "--secret", "token", TOKEN)
        done = clone.azml("up", "--local")
        assert done.returncode == 0, done.stdout + done.stderr
        return cls(clone, _group_of_others(clone))

    def pulumi(self, *arguments: str) -> str:
        """Run the engine as azml would; what it printed."""
        return _engine(self.clone, environment(self.clone.root / ".azml/local"))(*arguments)

    @contextmanager
    def changed(self, row: Mapping[str, Any]) -> Iterator[None]:
        """The program with a row's change in it, and back."""
        files = [self.clone.stack_file, *(self.clone.root / name for name in row.get("append", {}))]
        before = {file: file.read_bytes() for file in files}
        for name, value in row.get("secret", {}).items():
            self.pulumi("config", "set", "--secret", name, value)
        for name, text in row.get("append", {}).items():
            with (self.clone.root / name).open("a") as file:
                file.write(text)
        config = yaml.safe_load(self.clone.stack_file.read_text())
        estate = config["config"]["serving:estate"]
        for path, value in row.get("set", {}).items():
            put(estate, path, self._placed(value))
        for path in row.get("unset", []):
            _unset(estate, path)
        self.clone.stack_file.write_text(yaml.safe_dump(config, sort_keys=False, width=1000))
        try:
            yield
        finally:
            for file, content in before.items():
                file.write_bytes(content)

    def previewed(self, row: Mapping[str, Any]) -> tuple[subprocess.CompletedProcess[str], str]:
        """What `azml preview --json` says of the program with a row's change in it, and the comment that it writes."""
        file = self.clone.root / ".azml" / "comment.md"
        with self.changed(row):
            done = self.clone.azml("preview", "--json", "--markdown", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        return done, file.read_text(encoding="utf-8")

    def _placed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._placed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._placed(item) for item in value]
        return value.replace("{shared}", self.shared) if isinstance(value, str) else value


def _engine(clone: Clone, more: Mapping[str, str] | None = None) -> Any:
    project = Project(clone.root)
    project.engine_state.mkdir(parents=True, exist_ok=True)
    variables = clone.environment | project.pulumi_environment(clone.engine) | dict(more or {})

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [clone.engine / "pulumi", *arguments, "--stack", "local", "--non-interactive"],
            cwd=clone.root, env=variables, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def _group_of_others(clone: Clone) -> str:
    """Make it; the path of what is in it."""
    subscription = clone.id_of("azure-native:machinelearningservices:Workspace").split("/")[2]
    group = f"/subscriptions/{subscription}/resourceGroups/{GROUP}"
    shared = f"{group}/providers"
    identity = f"{shared}/Microsoft.ManagedIdentity/userAssignedIdentities/id-shared"
    with third_party(clone.server) as others:
        others.send("PUT", group, "2025-04-01", {"location": "eastus"})
        others.send("PUT", identity, "2024-11-30", {"location": "eastus"})
    return shared


def put(estate: Any, path: str, value: Any) -> None:
    """Set what a path of the estate leads to; maps on the way are made."""
    *outer, last = path.split(".")
    inner = estate
    for step in outer:
        inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
    inner[last] = copy.deepcopy(value)


def _unset(estate: Any, path: str) -> None:
    *outer, last = path.split(".")
    inner = estate
    for step in outer:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    del inner[int(last) if isinstance(inner, list) else last]
