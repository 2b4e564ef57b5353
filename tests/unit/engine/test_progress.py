"""What a waiting person sees, on a terminal and elsewhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).parents[3] / "engine"
WAIT = """
import time, progress
progress.LIVE_S = progress.PLAIN_S = 0.05
with progress.Progress("Building.") as shown:
    for step in range(10):
        shown.tick(f"step {step}")
        time.sleep(0.02)
print("result")
"""


def test_elsewhere_plain_lines_are_added():
    done = subprocess.run([sys.executable, "-c", WAIT], cwd=ENGINE, capture_output=True, text=True, check=True)
    first, *ticks = done.stderr.splitlines()
    assert first == "Building."
    assert 2 <= len(ticks) <= 5
    assert all(line.startswith("  0 s: step ") for line in ticks)
    assert done.stdout == "result\n"


def test_on_a_terminal_one_line_is_rewritten_and_then_cleared():
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", WAIT], cwd=ENGINE, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    seen = os.read(ours, 10_000).decode()
    os.close(ours)
    assert seen.count("\n") == 1
    assert seen.count("\r\x1b[K  0 s: step ") >= 2
    assert seen.endswith("\r\x1b[K")


def test_minutes_are_told_as_minutes():
    code = "import progress; p = progress.Progress(''); p._started -= 185; print(p.elapsed)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ENGINE, capture_output=True, text=True, check=True)
    assert done.stdout == "3 min 5 s\n"
