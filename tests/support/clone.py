"""A clone of this repository in a folder of its own, used through the commands that people type."""

import asyncio
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from azml_local.scoring.conda import read
from azml_local.scoring.environments import Environments, cache

ROOT = Path(__file__).parents[2]
REQUEST = "samples/diabetes/sample-request.json"
WORKSPACE = "azure-native:machinelearningservices:Workspace"


@dataclass(frozen=True)
class Clone:
    """A fresh copy of the working tree under version control, sharing this one's `.venv`."""

    root: Path
    engine: Path

    @classmethod
    def make(cls, folder: Path, engine: Path) -> "Clone":
        """Copy what git would hand out, and commit it, so that `git status` can tell what commands leave behind."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if os.path.lexists(ROOT / name):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        clone = cls(folder, engine)
        clone.git("init", "-q")
        objects = ROOT / subprocess.run(
            ["git", "rev-parse", "--git-path", "objects"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout.rstrip("\n")  # what is in there already is not compressed again
        (folder / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        clone.git("add", "-A")
        clone.git("-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qm", "clone")
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / ".git" / "info" / "exclude").write_text(".venv\n")
        return clone

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def azml(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run an azml command as a script would: no terminal, no colour."""
        return subprocess.run(
            [ROOT / ".venv" / "bin" / "azml", *arguments],
            cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.azml("up", "--local", "--request", REQUEST)

    def destroy(self) -> subprocess.CompletedProcess[str]:
        return self.azml("destroy", "--local")

    @property
    def stack_file(self) -> Path:
        """The local stack's config."""
        return self.root / "stacks" / "Pulumi.local.yaml"

    @property
    def environment(self) -> dict[str, str]:
        """The engine is on PATH where it was given: finding a built one costs less than asking one for its version."""
        path = os.environ["PATH"]
        if "AZML_ENGINE_BIN" in os.environ:
            path = f"{self.engine}{os.pathsep}{path}"
        return {**os.environ, "PATH": path, "NO_COLOR": "1"}

    def scoring_python(self) -> Path:
        """The interpreter with the sample's own libraries: the environment that its conda file names."""
        conda = read((self.root / "samples/diabetes/conda.yml").read_text())
        return asyncio.run(Environments(cache()).ready(conda, lambda _: None)) / "bin" / "python"

    @property
    def server(self) -> dict[str, Any]:
        """What the local Azure tells its clients."""
        return dict(json.loads((self.root / ".azml/local/server.json").read_text()))

    def arm_get(self, path: str) -> dict[str, Any]:
        """GET below the workspace, through Microsoft's own client."""
        return self._arm("GET", f"{self.id_of(WORKSPACE)}/{path}", "2025-12-01")

    def arm_post(self, path: str) -> dict[str, Any]:
        """POST below the workspace."""
        return self._arm("POST", f"{self.id_of(WORKSPACE)}/{path}", "2025-12-01")

    def arm_of(self, token: str, version: str) -> dict[str, Any]:
        """GET the one resource of a type."""
        return self._arm("GET", self.id_of(token), version)

    def id_of(self, token: str) -> str:
        """ARM id of the one resource of a type."""
        (id_,) = (resource["id"] for resource in self.state if resource["type"] == token)
        return str(id_)

    def arm_act(self, id_: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST an action of any resource; `id_` ends in its name."""
        return self._arm("POST", id_, version, body)

    def _arm(self, method: str, id_: str, version: str, body: Any = None) -> dict[str, Any]:
        at = self.server
        sign_in = ClientSecretCredential(
            at["tenant_id"], at["client_id"], at["client_secret"],
            authority=at["url"], disable_instance_discovery=True, connection_verify=at["ca"],
        )  # fmt: skip
        policy = ARMChallengeAuthenticationPolicy(sign_in, f"{at['url']}/.default")
        request = HttpRequest(method, f"{at['url']}{id_}", params={"api-version": version}, json=body)
        with sign_in, ARMPipelineClient(at["url"], policies=[policy], connection_verify=at["ca"]) as client:
            response = client.send_request(request)
            response.raise_for_status()
            return dict(response.json())

    @property
    def state(self) -> list[dict[str, Any]]:
        """The resources in the engine's state."""
        (file,) = (self.root / ".azml" / "state" / ".pulumi" / "stacks").glob("*/local.json")
        deployment = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        return list(deployment.get("resources") or [])
