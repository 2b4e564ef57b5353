"""`make demo-preview`: the comment that a pull request gets, by the real engine against a local Azure of its own.

The estate and the change are those of `tests/local/changes`. Ends well where there is a comment.
"""

import sys
import tempfile
from pathlib import Path

from azml_cli.engine import bin_dir
from tests.support.changes import TABLE, Estate
from tests.support.clone import Clone

(SAMPLE,) = (row for row in TABLE if row["class"] == "several at once")
"""A model that was trained again, more instances, other shares, less exposure, and a tag."""


def comment(estate: Estate) -> str:
    """What `azml preview` writes about the sample change."""
    file = estate.clone.root / ".azml" / "comment.md"
    with estate.changed(SAMPLE):
        done = estate.clone.azml("preview", "--markdown", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    return file.read_text(encoding="utf-8")


def main() -> None:
    """Bring the estate up, and print the comment."""
    with tempfile.TemporaryDirectory(prefix="azml-") as folder:
        clone = Clone.make(Path(folder), bin_dir())
        try:
            sys.stderr.write("An estate on a local Azure, to be changed: half a minute\n")
            sys.stdout.write(comment(Estate.make(clone)))
        finally:
            clone.azml("local", "stop")


if __name__ == "__main__":
    main()
