"""Faults: a run of a command, a moment in it, a victim and a signal; and what must be the same afterwards.

The moment is the n-th request that the local Azure logs, so a seed finds the same place again (nearly: requests run
side by side). Everything a run starts carries a mark in its environment, or works in the clone's folder: that is how
whatever is left behind is found.
"""

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from tests.support.clone import REQUEST, ROOT, Clone

Victim = Literal["engine", "azml", "azure-native", "program", "local Azure", "command", "group"]
VICTIMS: dict[Victim, str] = {
    "engine": "/pulumi up",
    "azml": "/components",
    "azure-native": "azml_local.azure_native",
    "program": "pulumi-language-python-exec",
    "local Azure": "-m azml_local",
}
"""What a victim's command line holds. `command` is what was typed, and `group` all that Ctrl-C reaches."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM = re.compile(r"(-rg)[0-9a-f]{8}\b|\b(stmlw|kv-mlw|crmlw)[\w-]+")
"""The resource group's random end, and the unique names that are made from it."""
_LIMIT_S = 150.0
_LOG = ".azml/local/logs/arm.log"


@dataclass(frozen=True)
class Fault:
    """`at`: how far the run is, in requests to Azure, from 0 to 1."""

    victim: Victim
    signal: signal.Signals
    at: float
    scenario: Literal["fresh", "forward", "back"]

    def __str__(self) -> str:
        return f"{self.scenario}: {self.signal.name} of {self.victim} at {self.at:.2f}"


def drawn(seed: int, count: int) -> list[Fault]:
    """Draw faults: every victim and every scenario has its turn, moments are random."""
    chance = random.Random(seed)
    victims: list[Victim] = ["engine", "azure-native", "local Azure", "azml", "command", "group", "program"]
    faults = []
    for number in range(count):
        victim = victims[number % len(victims)]
        signals = [signal.SIGKILL]
        if victim == "group":
            signals = [signal.SIGINT, signal.SIGTERM]
        elif victim in ("command", "engine", "local Azure"):
            signals = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]
        scenario = chance.choice(["fresh", "fresh", "forward", "back"])
        faults.append(Fault(victim, chance.choice(signals), chance.random(), scenario))
    return faults


class Bench:
    """A clone on which faults are tried, and what it looks like without any."""

    def __init__(self, clone: Clone, mark: str) -> None:
        self.clone, self._mark = clone, mark
        self._deployment = clone.root / "samples/diabetes/deployment.yml"
        self._first = self._deployment.read_text()
        self._second = self._first + '\nenvironment_variables:\n  RELEASE: "2"\n'
        self.requests: dict[str, int] = {}
        self.expected: dict[str, Any] = {}

    def learn(self) -> None:
        """Run undisturbed: from nothing, to another release, and away again."""
        for name, text in (("first", self._first), ("second", self._second)):
            self._deployment.write_text(text)
            before = self._logged()
            self._well("up", "--local", "--request", REQUEST)
            self.requests[name] = self._logged() - before
            self.expected[name] = self.seen()
        self._deployment.write_text(self._first)
        self.take_down()

    def take_down(self) -> None:
        self._well("destroy", "--local")
        assert self.clone.state == []
        assert self.live() == Counter(), "destroy leaves nothing in Azure"

    def try_(self, fault: Fault) -> str:
        """Disturb a run, recover, finish it, compare; what the command that was disturbed said."""
        into, then = ("first", "first")
        if fault.scenario != "fresh":
            self._deployment.write_text(self._first)
            self._well("up", "--local")
            into, then = "second", "second" if fault.scenario == "forward" else "first"
        self._deployment.write_text(self._first if into == "first" else self._second)
        said = self._disturbed(fault, int(fault.at * self.requests[into]))
        self._deployment.write_text(self._first if then == "first" else self._second)
        said += self._well("recover", "--local")
        assert self.pending() == []
        assert self.locks() == []
        said += self._well("up", "--local", "--request", REQUEST)
        seen, expected = self.seen(), self.expected[then]
        other = {name: (_less(seen[name], expected[name]), _less(expected[name], seen[name])) for name in seen}
        assert seen == expected, f"{fault}: too much, too little: {other}\n{said}"
        self._deployment.write_text(self._first)
        self.take_down()
        return said

    def seen(self) -> dict[str, Any]:
        """All that must not depend on how it came about."""
        request = self._well("invoke", "diabetes", "--request", REQUEST)
        return {
            "state": Counter(resource["urn"] for resource in self.clone.state),
            "errors": [resource["urn"] for resource in self.clone.state if resource.get("initErrors")],
            "azure": self.live(),
            "pending": self.pending(),
            "locks": self.locks(),
            "answer": request,
            "processes": self.processes(),
        }

    def live(self) -> Counter[str]:
        """Ids of what the local Azure has, but archived versions: an interrupted release may leave its own."""
        with contextlib.closing(sqlite3.connect(self.clone.root / ".azml/local/azure.db")) as database:
            rows = database.execute(
                "SELECT id FROM resources WHERE json_extract(body, '$.properties.isArchived') IS NOT 1"
            )
            return Counter(_RANDOM.sub(r"\1\2", _UUID.sub("UUID", id_.lower())) for (id_,) in rows)

    def pending(self) -> list[str]:
        (file,) = (self.clone.root / ".azml/state/.pulumi/stacks").glob("*/local.json")
        text = file.read_text()
        return [text[text.index('"pending_operations"') :]] if '"pending_operations"' in text else []

    def locks(self) -> list[str]:
        folder = self.clone.root / ".azml/state/.pulumi/locks"
        return [str(path) for path in folder.rglob("*") if path.is_file()]

    def processes(self) -> Counter[str]:
        """What runs for this clone, by what it is; all of it is below the local Azure's server."""
        server = psutil.Process(self.clone.server["pid"])
        below = {server.pid, *(child.pid for child in server.children(recursive=True))}
        left = [process for process in self.ours() if process.pid not in below]
        deadline = time.monotonic() + 10
        while any(process.is_running() for process in left) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [process.cmdline() for process in left if process.is_running()] == []
        return Counter(_kind(process) for process in self.ours())

    def ours(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            inside = str(self.clone.root) in " ".join((process.cwd(), *process.cmdline()))
            return inside or process.environ().get("AZML_FAULTS") == self._mark
        except psutil.Error:
            return False

    def _disturbed(self, fault: Fault, after: int) -> str:
        before = self._logged()
        with self._started("up", "--local") as (command, output):
            deadline = time.monotonic() + _LIMIT_S
            hit = False
            while command.poll() is None and time.monotonic() < deadline:
                if not hit and self._logged() - before >= after:
                    hit = self._strike(fault, command)
                time.sleep(0.005)
            assert command.poll() is not None, f"{fault}: the command does not end\n{output.read_text()}"
        return f"{fault}, {'hit' if hit else 'missed'}\n{output.read_text()}"

    def _strike(self, fault: Fault, command: "subprocess.Popen[bytes]") -> bool:
        if fault.victim == "group":
            os.killpg(command.pid, fault.signal)
            return True
        if fault.victim == "command":
            command.send_signal(fault.signal)
            return True
        for process in self.ours():
            with contextlib.suppress(psutil.Error):
                if VICTIMS[fault.victim] in " ".join(process.cmdline()) and "launcher" not in " ".join(
                    process.cmdline()
                ):
                    process.send_signal(fault.signal)
                    return True
        return False

    @contextlib.contextmanager
    def _started(self, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
        output = self.clone.root / ".azml" / "disturbed.log"
        output.parent.mkdir(exist_ok=True)
        with output.open("wb") as file:
            command = subprocess.Popen(
                [ROOT / ".venv/bin/azml", *arguments],
                cwd=self.clone.root, env=self._environment, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        try:
            yield command, output
        finally:
            if command.poll() is None:
                command.kill()
            command.wait()

    def _well(self, *arguments: str) -> str:
        done = subprocess.run(
            [ROOT / ".venv/bin/azml", *arguments],
            cwd=self.clone.root, env=self._environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"azml {' '.join(arguments)}: exit {done.returncode}\n{said}"
        assert "Traceback" not in said
        return done.stdout if arguments[0] == "invoke" else said

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.clone.environment, "AZML_FAULTS": self._mark}

    def _logged(self) -> int:
        file = self.clone.root / _LOG
        return file.read_bytes().count(b"\n") if file.exists() else 0


def _less(one: Any, other: Any) -> Any:
    return dict(one - other) if isinstance(one, Counter) else one if one != other else None


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next(
        (name for name in ("azml_gateway", "azureml_inference_server_http", "azml_local") if f" {name} " in f"{line} "),
        line,
    )
