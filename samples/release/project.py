"""The demo's project: a script to change, and `azml up --local` to run.

Owns running it and what is printed of it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import azml_local
from azml_cli.render import folded

COMMITTED = "model.predict(data).tolist()"
"""What run() of the sample returns."""


class Unexpected(Exception):  # noqa: N818 - says what is the case
    """The story went another way."""


class Project:
    """A copy of `samples/release`, whose deployment's code is `script`."""

    def __init__(self, root: Path, script: Path) -> None:
        self.local_azure = root / ".azml" / "local"
        self.request = script.parents[1] / "sample-request.json"
        self._root, self._script, self._log = root, script, root / "up.log"
        self._returns = COMMITTED

    def release(self, returns: str, *, fails: bool = False) -> dict[str, Any]:
        """Let run() return something else, and bring it up; the endpoint, as `azml up --json` tells of it.

        Raises `Unexpected` where it does not come out as it has to.
        """
        say(f"   score.py, run(): return {returns}", "2")
        text = self._script.read_text(encoding="utf-8")
        self._script.write_text(text.replace(f"return {self._returns}", f"return {returns}"), encoding="utf-8")
        self._returns = returns
        told = self._up()
        for failure in told["failures"]:
            say(failure["reason"], "33", margin="   | ")
        if bool(told["failures"]) != fails:
            raise Unexpected(f"azml up {'succeeded' if fails else 'failed'}; what it said is in {self._log}")
        return dict(told["endpoints"][0])

    def stop(self) -> None:
        """Stop its local Azure."""
        azml_local.stop(self.local_azure)

    def _up(self) -> dict[str, Any]:
        command = [Path(sys.executable).parent / "azml", "up", "--local", "--json"]
        with self._log.open("ab") as log:
            done = subprocess.run(command, cwd=self._root, stdout=subprocess.PIPE, stderr=log, check=False)
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            raise Unexpected(f"azml up ended with {done.returncode}; what it said is in {self._log}") from None


def width() -> int:
    """Characters that fit into a line of the terminal; any number where there is none."""
    return (sys.stdout.isatty() and os.get_terminal_size(sys.stdout.fileno()).columns) or sys.maxsize


def say(text: str, colour: str | None = None, *, margin: str = "") -> None:
    """Print lines at once; in colour on a terminal that wants it, and broken between words where it is narrow."""
    room = width() - len(margin)
    text = "\n".join(f"{margin}{part}".rstrip() for line in text.split("\n") for part in folded(line, room))
    plain = colour is None or "NO_COLOR" in os.environ or not sys.stdout.isatty()
    sys.stdout.write(f"{text}\n" if plain else f"\x1b[{colour}m{text}\x1b[0m\n")
    sys.stdout.flush()
