"""Starts a Python module, or a program (a path), as a child that does not outlive its parent.

    python launcher.py PARENT_PID LISTEN_FD MODULE [ARGUMENTS …]

Runs inside a deployment's own environment.

Knows nothing of who starts it, and imports the standard library only (of Python 3.9 and later): nothing else is there.
On Linux the kernel ends the process when its parent dies, however that happens. `LISTEN_FD` is a listening socket that
gunicorn takes over as systemd would hand it down (`-`: none), so a port is never lost between choosing and using it,
and the scoring server, which would listen on every interface, is reachable on loopback only.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1
SD_LISTEN_FDS_START = 3


def die_with_parent(parent: int) -> None:
    """Be killed when `parent` ends; end at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def main() -> None:
    """Tie this process and its direct children to their parents, hand the socket over, and become the module."""
    parent, listen_fd, module = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    die_with_parent(parent)
    if os.sep in module:
        os.execv(module, sys.argv[3:])  # noqa: S606 - what the kernel was told holds for it, too
    me = os.getpid()
    # A setting of the kernel's that a fork does not inherit. Only for our own children: gunicorn's workers.
    os.register_at_fork(after_in_child=lambda: die_with_parent(me) if os.getppid() == me else None)
    if listen_fd != "-":
        os.dup2(int(listen_fd), SD_LISTEN_FDS_START)
        os.environ.update(LISTEN_PID=str(me), LISTEN_FDS="1")
    sys.argv = sys.argv[3:]
    del sys.path[0]  # this folder: the user's code must not find our modules
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
