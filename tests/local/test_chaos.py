"""An Azure where much goes wrong: what is wanted comes true all the same, by `up` again and again."""

import re

import pytest

from tests.support.clone import Clone

pytestmark = pytest.mark.engine

TRIES = 8


def test_a_stack_comes_up_in_chaos(clone: Clone) -> None:
    home = clone.root / ".azml" / "local"
    home.mkdir(parents=True)
    (home / "settings.yaml").write_text("lifecycle: chaos\nseed: 2\n")
    said = []
    for _ in range(TRIES):
        done = clone.up()
        said.append(done.stdout + done.stderr)
        assert "Traceback" not in said[-1]
        if done.returncode == 0:
            break
    log = (home / "logs" / "arm.log").read_text()
    assert done.returncode == 0, "\n".join(said)
    assert re.search(r"^  diabetes  \[.+\]$", said[-1], re.MULTILINE)
    assert {"429", "500", "503"} & set(re.findall(r" (\d{3}) \d+ ms$", log, re.MULTILINE)), "nothing went wrong"
