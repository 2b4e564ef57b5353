"""Faults: a run of a command, a moment in it, a victim and a signal; and what must be the same afterwards.

The moment is the n-th request that the local Azure logs, so a seed finds the same place again (nearly: requests run
side by side). Everything a run starts carries a mark in its environment, or works in the clone's folder: that is how
whatever is left behind is found.
"""

import contextlib
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from tests.support.clone import REQUEST, Clone

Victim = Literal["engine", "azml provider", "azure-native", "program", "local Azure", "azml", "make", "group"]
Way = Literal["fresh", "forward", "back", "away"]

PROCESSES: dict[Victim, str] = {
    "engine": "/pulumi ",
    "azml provider": " -m azml 127.",
    "azure-native": " -m azml_local.azure_native ",
    "program": "pulumi-language-python-exec",
    "local Azure": " -m azml_local --home ",
    "azml": "/bin/azml ",
}
"""What the command line of a victim holds. `make` is what was typed, and `group` all that Ctrl-C reaches."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM = re.compile(r"(-rg)[0-9a-f]{8}\b|\b(stmlw|kv-mlw|crmlw)[\w-]+")
"""The resource group's random end, and the unique names that are made from it."""
_LIMIT_S = 150.0
_LEFT_S = 10.0
"""How long what was killed may take to be gone with all it started."""


@dataclass(frozen=True)
class Fault:
    """What happens when a run is `at` so far, and what the run was for.

    `at` is from 0 to 1, in requests to Azure, or what a request's line holds: it happens once that one is answered.

    fresh: up from nothing; forward: up of another release; back: the same, and then the old program again; away:
    destroy.
    """

    way: Way
    victim: Victim
    signal: signal.Signals
    at: float | re.Pattern[str]

    def __str__(self) -> str:
        at = self.at.pattern if isinstance(self.at, re.Pattern) else f"{self.at:.2f}"
        return f"{self.way}, {self.signal.name} of {self.victim} at {at}"


class Bench:
    """A clone on which faults are tried, and what it looks like without any."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self._mark = secrets.token_hex(8)
        file = clone.root / "samples/diabetes/deployment.yml"
        first = file.read_text()
        self._programs = {"first": first, "second": f'{first}\nenvironment_variables:\n  RELEASE: "2"\n'}
        self._file = file
        self._is: str | None = None
        self._requests: dict[str, int] = {}
        self._expected: dict[str, dict[str, Any]] = {}
        self._looked_at = -1

    def slow_down(self, lifecycle: str) -> None:
        """Let operations of the local Azure take as long as a lifecycle file says."""
        home = self.clone.root / ".azml" / "local"
        (home / "lifecycle" / "slow").mkdir(parents=True)
        (home / "lifecycle" / "slow" / "types.yaml").write_text(lifecycle)
        (home / "settings.yaml").write_text("lifecycle: slow\n")

    def learn(self) -> None:
        """Run undisturbed: from nothing, to another release, and away again."""
        for name in self._programs:
            before = self._logged()
            said = self._bring(name)
            self._requests["fresh" if name == "first" else "change"] = self._logged() - before
            self._expected[name] = self._seen(said)
            assert self._expected[name]["answer"], said
        before = self._logged()
        self._take_down()
        self._requests["away"] = self._logged() - before

    def disturb(self, fault: Fault) -> str:
        """Disturb a run, recover, run it again, and compare with a run that nobody disturbed; what was said."""
        if fault.way == "fresh" and self._is is not None:
            self._take_down()
        if fault.way != "fresh" and self._is is None:
            self._bring("first")
        before, into = self._is, "first" if self._is != "first" else "second"
        if fault.way != "away":
            self._file.write_text(self._programs[into])
        said = self._disturbed(fault)
        then = before if fault.way == "back" else None if fault.way == "away" else into
        if then is not None:
            self._file.write_text(self._programs[then])
        said += self.run("recover", "--local")
        assert (self._pending(), self._locks()) == ([], []), said
        if then is None:
            self._take_down()
            return said
        last = self._bring(then)
        self._compare(then, last, said)
        return said + last

    def at_once(self, count: int) -> list[str]:
        """Bring the first program up several times at once; what each said."""
        self._file.write_text(self._programs["first"])
        commands = [
            subprocess.Popen(
                [".venv/bin/azml", "up", "--local", "--request", REQUEST],
                cwd=self.clone.root, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for _ in range(count)
        ]  # fmt: skip
        said = [command.communicate(timeout=_LIMIT_S)[0] for command in commands]
        assert [command.returncode for command in commands] == [0] * count, said
        self._is = "first"
        for each in said:
            self._compare("first", each, "")
        return said

    def end(self) -> None:
        """Take everything down; nothing of it runs any more."""
        if self._is is not None:
            self._take_down()
        self.run("local", "stop")
        assert self._left([]) == []

    def run(self, *arguments: str) -> str:
        """A command that must succeed; all it said."""
        done = subprocess.run(
            [".venv/bin/azml", *arguments],
            cwd=self.clone.root, env=self._environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"azml {' '.join(arguments)}: exit {done.returncode}\n{said}"
        assert "Traceback" not in said
        return said

    def _compare(self, name: str, last: str, said: str) -> None:
        seen, expected = self._seen(last), self._expected[name]
        other = {each: (_less(seen[each], expected[each]), _less(expected[each], seen[each])) for each in seen}
        assert seen == expected, f"too much, too little: {other}\n{said}\n{last}"

    def _bring(self, name: str) -> str:
        self._file.write_text(self._programs[name])
        said = self.run("up", "--local", "--request", REQUEST)
        self._is = name
        return said

    def _take_down(self) -> None:
        self.run("destroy", "--local")
        self._is = None
        assert self.clone.state == []
        assert self._live() == Counter(), "destroy leaves nothing in Azure"

    def _seen(self, said: str) -> dict[str, Any]:
        """All that must not depend on how it came about; `said` by the last up."""
        return {
            "answer": re.findall(r"^  diabetes  (\[.+\])$", said, re.MULTILINE),
            "state": Counter(resource["urn"] for resource in self.clone.state),
            "errors": [resource["urn"] for resource in self.clone.state if resource.get("initErrors")],
            "azure": self._live(),
            "pending": self._pending(),
            "locks": self._locks(),
            "processes": self._processes(),
        }

    def _live(self) -> Counter[str]:
        """Ids of what the local Azure has, but archived versions: an interrupted release may leave its own."""
        with contextlib.closing(sqlite3.connect(self.clone.root / ".azml/local/azure.db")) as database:
            is_live = "json_extract(body, '$.properties.isArchived') IS NOT 1"
            ids = [id_.lower() for (id_,) in database.execute(f"SELECT id FROM resources WHERE {is_live}")]
        return Counter(_RANDOM.sub(r"\1\2", _UUID.sub("UUID", id_)) for id_ in ids)

    def _pending(self) -> list[str]:
        (file,) = (self.clone.root / ".azml/state/.pulumi/stacks").glob("*/local.json")
        return re.findall(r'"pending_operations".*', file.read_text(), re.DOTALL)

    def _locks(self) -> list[Path]:
        return [path for path in (self.clone.root / ".azml/state/.pulumi/locks").rglob("*") if path.is_file()]

    def _processes(self) -> Counter[str]:
        """What runs for this clone, by what it is; all of it belongs to the local Azure's server."""
        server = psutil.Process(self.clone.server["pid"])
        tree = [server, *server.children(recursive=True)]
        assert self._left(tree) == []
        return Counter(_kind(process) for process in tree)

    def _left(self, expected: list[psutil.Process]) -> list[list[str]]:
        """Command lines of what runs for this clone besides what is expected."""
        left = [process for process in self._ours() if process not in expected]
        _, alive = psutil.wait_procs(left, timeout=_LEFT_S)
        return [process.cmdline() for process in alive]

    def _ours(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            inside = str(self.clone.root) in " ".join((process.cwd(), *process.cmdline()))
            return inside or process.environ().get("AZML_FAULTS") == self._mark
        except psutil.Error:
            return False

    def _disturbed(self, fault: Fault) -> str:
        before, self._looked_at = self._logged(), -1
        output = self.clone.root / ".azml" / "disturbed.log"
        output.parent.mkdir(exist_ok=True)
        with output.open("wb") as file:
            command = subprocess.Popen(
                ["make", "-o", ".venv/.installed", "destroy" if fault.way == "away" else "up"],
                cwd=self.clone.root, env=self._environment, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        hit, deadline = False, time.monotonic() + _LIMIT_S
        while command.poll() is None and time.monotonic() < deadline:
            if not hit and self._has_come(fault, before):
                hit = self._strike(fault, command)
            time.sleep(0.005)
        said = output.read_text()
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            raise AssertionError(f"{fault}: the command does not end\n{said}")
        assert not re.search("Traceback|azml: unexpected", said), said
        return f"{fault}{'' if hit else ', MISSED'}\n{said}"

    def _has_come(self, fault: Fault, before: int) -> bool:
        """Whether the moment is there; `before` requests were logged when the run began."""
        size = self._log.stat().st_size if self._log.exists() else 0
        if size == self._looked_at:
            return False
        self._looked_at = size
        if isinstance(fault.at, re.Pattern):
            lines = self._log.read_text().splitlines() if self._log.exists() else []
            return any(fault.at.search(line) for line in lines[before:])
        kind = fault.way if fault.way in ("fresh", "away") else "change"
        return self._logged() - before >= fault.at * self._requests[kind]

    def _strike(self, fault: Fault, command: "subprocess.Popen[bytes]") -> bool:
        if fault.victim == "group":
            os.killpg(command.pid, fault.signal)
            return True
        if fault.victim == "make":
            command.send_signal(fault.signal)
            return True
        for process in self._ours():
            with contextlib.suppress(psutil.Error):
                if PROCESSES[fault.victim] in " ".join(process.cmdline()):
                    process.send_signal(fault.signal)
                    return True
        return False

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.clone.environment, "AZML_FAULTS": self._mark}

    def _logged(self) -> int:
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    @property
    def _log(self) -> Path:
        return self.clone.root / ".azml/local/logs/arm.log"


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    kinds = (" azml_gateway ", " azureml_inference_server_http ", " azml_local ")
    return next((kind.strip() for kind in kinds if kind in line), line)


def _less(one: Any, other: Any) -> Any:
    return dict(one - other) if isinstance(one, Counter) else one if one != other else None
