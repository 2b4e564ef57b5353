"""How the commands speak: text for people, JSON for machines, and exit codes.

Owns the streams (results on stdout, everything else on stderr), colour and progress. Deliberately knows nothing of what
is said. Rich is imported on first use only: it costs more than the rest of a command's start.
"""

import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

FAILED = 1
"""What was asked for did not succeed: the estate is wrong, the deployment failed, the endpoint said no."""
_NARROWEST = 20
_WHOLE = re.compile(r"`[^`]*`|\d+ \S+")
USAGE = 2
"""The command line itself is wrong (typer's own code for it)."""


@cache
def console(*, stderr: bool = False) -> "Console":
    """Rich's console of a stream; it respects NO_COLOR and terminals that are none.

    Without emoji: the x of azureml:x:1 is a name.
    """
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False)


def say(text: str = "", *, style: str | None = None) -> None:
    """A result line, on stdout. The text is printed as it is (no markup)."""
    console().print(text, style=style, markup=False)


def say_folded(text: str, *, style: str | None = None) -> None:
    """The same on a terminal that may be narrow: a line that does not fit is broken between words, and indented."""
    stream = console()
    for line in folded(text, stream.width) if stream.is_terminal else [text]:
        say(line, style=style)


def folded(text: str, width: int) -> list[str]:
    """A line in pieces of `width` characters. What stands behind two spaces is a column: the last one goes below.

    A command in backticks, and a number with its unit, stay whole where there is room.
    """
    width = max(width, _NARROWEST)
    if len(text) <= width:
        return [text]
    from textwrap import wrap

    begin = " " * (len(text) - len(text.lstrip()))
    head, gap, rest = text.strip().rpartition("  ")
    whole = _WHOLE.sub(lambda found: found[0].replace(" ", "\0"), rest.lstrip())
    pieces = wrap(whole, width, initial_indent=f"{begin}{gap}", subsequent_indent=f"{begin}  ", break_on_hyphens=False)
    above = folded(f"{begin}{head.rstrip()}", width) if gap else []
    return [*above, *(piece.replace("\0", " ") for piece in pieces)]


def note(text: str, *, style: str | None = "dim") -> None:
    """A remark that is not the result, on stderr."""
    console(stderr=True).print(text, style=style, markup=False)


def emit_json(value: Any) -> None:
    """The one JSON document of a `--json` command, on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def fail(problems: object, code: int = FAILED) -> NoReturn:
    """End the command: each problem as a block on stderr, then exit.

    `problems` is a message, or an iterable of things whose `str()` is a readable block.
    """
    blocks = [problems] if isinstance(problems, str) or not hasattr(problems, "__iter__") else list(problems)
    for block in blocks:
        head, _, rest = str(block).partition("\n")
        console(stderr=True).print(head, style="bold red", markup=False)
        if rest:
            console(stderr=True).print(rest, markup=False)
    raise typer.Exit(code)


def typed_command(directory: Path | None = None) -> str:
    """How azml was started, so that what is printed can be copied as it is, into a shell in that folder."""
    command = Path(sys.argv[0])
    return "azml" if shutil.which("azml") == str(command) else shlex.quote(os.path.relpath(command, directory))


@contextmanager
def progress(what: str) -> Iterator["Progress"]:
    """Say what is going on and for how long: a live line on a terminal, one plain line a step elsewhere."""
    tracker = Progress(what)
    with tracker.shown():
        yield tracker


class Progress:
    """A running task; call it with the step at hand."""

    def __init__(self, what: str) -> None:
        self.what, self.started = what, time.monotonic()
        self._status: Any = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the live line while the block runs."""
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield
            return
        with console(stderr=True).status(self.what) as self._status:
            yield
        self._status = None

    def __call__(self, step: str) -> None:
        """Say the step: in place on a terminal, as a line elsewhere."""
        if self._status is None:
            note(f"{self.what}: {step}")
        else:
            self._status.update(f"{self.what}: {step}")

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.started
