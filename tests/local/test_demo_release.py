"""`make demo-release`, as README tells people to type it: what it shows, and that it leaves the clone as it was."""

import re
import subprocess

import pytest

from tests.support.clone import Clone

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def test_good_releases_go_live_and_bad_ones_never_do(clone: Clone) -> None:
    environment = {key: value for key, value in clone.environment.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "-s", "-o", ".venv/.installed", "demo-release"],
        cwd=clone.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    chapters = re.split(r"\n\d\. (?=A |The )", done.stdout)
    assert len(chapters) == 6, done.stdout
    _, first, good, wrong, raises, back = chapters
    assert shares(first) == [[100]]
    assert shares(good) == [[10, 90], [50, 50], [100]]
    assert shares(wrong) == shares(raises) == [], "nobody's share changes"
    assert "golden[0]" in wrong
    assert "614.1169" in wrong, "a tenth of what the model says"
    assert "unexpected keyword argument 'return_std'" in raises
    assert shares(back.partition("took")[0]) == [[100]]
    assert re.search(r"answers again, \d", back)
    assert re.search(r"\n[1-9]\d+ requests, 0 failed\.\n", done.stdout)
    assert clone.git("status", "--porcelain") == ""
    assert [path.name for path in (clone.root / ".azml").iterdir()] == ["demo-release"]


def shares(chapter: str) -> list[list[int]]:
    """The traffic, each time that it changed."""
    changes = [line for line in chapter.splitlines() if "█" in line]
    return [sorted(int(share) for share in re.findall(r"(\d+) %", line)) for line in changes]
