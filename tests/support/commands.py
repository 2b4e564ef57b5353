"""The `azml` command, each call a process of its own that is forked from one which has imported what commands import.

Owns that shortcut: imports and schemas are most of what a short command costs, and what they cost is measured elsewhere
(tests/bench). Commands that must find their own Python, or start from nothing, are started by their tests.
"""

import atexit
import functools
import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def azml(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a script would in `folder`, and wait for it: no terminal, nothing on stdin."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        paths = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        code = _ask({"folder": str(folder), "arguments": arguments, "environment": dict(os.environ), "paths": paths})
        said = [file.read() for file in (out, err) if file.seek(0) == 0]
    return subprocess.CompletedProcess(["azml", *arguments], code, *said)


def _ask(order: dict[str, object]) -> int:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{json.dumps(order)}\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@functools.cache
def _server() -> "subprocess.Popen[str]":
    """One for this process."""
    server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # the end of its stdin is its end
    return server


def _serve() -> None:
    """Fork for each order on stdin, and say on stdout with which code it ended."""
    from azml.spec import json_schema, stack_schema
    from azml_cli.__main__ import main

    json_schema(), stack_schema()  # they are remembered
    gc.freeze()  # a child that collects would copy all it has of us
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            _become(**json.loads(line))
            main()
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _become(folder: str, arguments: list[str], environment: dict[str, str], paths: list[str]) -> None:
    """Take on what a process of its own would have been started with."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["azml", *arguments]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(paths, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)


if __name__ == "__main__":
    _serve()
