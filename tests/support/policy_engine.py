"""The real engine with the policy pack, on programs whose provider takes everything (`taking_provider`).

Owns the engine's home, backend and plugin in a folder of their own. Deliberately no local Azure: what a policy refuses
is refused before a provider is asked to make it.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from azml_cli.plugin import Plugin, docker_stand_in

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies"


@dataclass(frozen=True)
class PolicyEngine:
    """An engine with a home of its own. `folder` has the engine's state, `bin` its programs."""

    folder: Path
    bin: Path

    @classmethod
    def make(cls, folder: Path, bin_: Path) -> "PolicyEngine":
        """Put everything in place."""
        (folder / "state").mkdir(parents=True, exist_ok=True)
        plugin = Plugin("azure-native", version("pulumi_azure_native"), "tests.support.taking_provider")
        for one in (plugin, docker_stand_in()):  # the engine looks for the plugin of every SDK in the environment
            one.install(folder / "home")
        return cls(folder, bin_)

    @property
    def environment(self) -> dict[str, str]:
        """What the engine runs with: nothing of this machine's accounts."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        return {
            **kept,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # it shows --event-log
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }

    def run(self, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A pulumi command in a project."""
        return subprocess.run(
            [self.bin / "pulumi", *arguments, "--stack", "dev", "--non-interactive"],
            cwd=project, env=self.environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    def with_pack(
        self, command: str, project: Path, *arguments: str, pack: Path = PACK
    ) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
        """`preview` or `up` with the pack; what it said, and the findings in the engine's event log."""
        log = self.folder / "events.json"
        done = self.run(project, command, "--policy-pack", str(pack), "--event-log", str(log), *arguments)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return done, [event["policyEvent"] for event in events if "policyEvent" in event]
