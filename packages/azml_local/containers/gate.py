"""The gate before a container with a readiness probe: callers are let in, or wait, connected and without an answer.

That is what Container Instances do ("connected. HTTP request sent, awaiting response...": container-instances-
readiness-probe 2024-08-29). Nothing stands between callers and the container: images of azml's hold their port
themselves, as the pipe says (`azml_gateway.held_port`), and probes ask them at another one. A program that does not
read the pipe is let alone: who calls it reaches it, ready or not. Decides nothing: `container` follows the probe.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from azml_gateway.held_port import NOT_READY, READY
from azml_local.scoring.gateways import choose_port


class Gate:
    """The gate of one start of a container, whose callers come to `port`; closed at first. Makes its pipe."""

    def __init__(self, pipe: Path, port: int) -> None:
        self._pipe, self._port, self._inner = pipe, port, choose_port(None)
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe, 0o600)

    @property
    def variables(self) -> Mapping[str, str]:
        """What the container is told of it."""
        return {"AZML_PROBE_LISTEN": f"127.0.0.1:{self._inner}", "AZML_READY_PIPE": str(self._pipe)}

    def for_probes(self, port: int) -> int:
        """Where probes reach what callers find at a port."""
        return self._inner if port == self._port and self._say(b"") else port

    def tell(self, *, ready: bool) -> None:
        """Let callers in, or let them wait."""
        self._say(READY if ready else NOT_READY)

    def _say(self, word: bytes) -> bool:
        """Say a word; whether somebody hears it."""
        try:
            pipe = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it, or the container's folder is gone
            return False
        try:
            return os.write(pipe, word) == len(word)
        except OSError:  # the reader has just ended, or has not read for a long time
            return False
        finally:
            os.close(pipe)
