import subprocess
import sys
import time
from pathlib import Path

from azml_local.scoring.logs import KEPT, LIMIT, Log, tail


def test_a_mark_separates_one_start_from_the_next(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")
    log.note("first")
    mark = log.size()
    log.note("second")
    assert "second" in log.since(mark)
    assert "first" not in log.since(mark)
    log.close()


def test_tail_counts_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("one\ntwo\nthree\n")
    assert tail(file, 2) == "two\nthree\n"
    assert tail(file, 50) == "one\ntwo\nthree\n"
    assert tail(file, 0) == ""
    assert tail(tmp_path / "missing.log", 5) == ""


def test_a_log_stays_bounded_while_a_child_goes_on_writing(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")
    script = (
        "import sys, time\n"
        "for n in range(400_000): sys.stdout.write(f'line {n:08d} ' + 'x' * 40 + '\\n')\n"
        "sys.stdout.flush(); time.sleep(0.5); print('the end')"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=log.descriptor) as child:
        while child.poll() is None:
            log.trim()
            time.sleep(0.001)
    log.trim()
    assert log.size() <= LIMIT
    text = (tmp_path / "a.log").read_text()
    assert text.endswith("\nthe end\n")
    assert len(text) >= KEPT / 2
    assert "\0" not in text
    log.close()
