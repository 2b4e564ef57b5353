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


def main() -> None:
    """Bring the estate up, and print the comment."""
    with tempfile.TemporaryDirectory(prefix="azml-") as folder:
        clone = Clone.make(Path(folder), bin_dir())
        try:
            sys.stderr.write("An estate on a local Azure, to be changed: half a minute\n")
            _, comment = Estate.make(clone).previewed(SAMPLE)
            sys.stdout.write(comment)
        finally:
            clone.azml("local", "stop")


if __name__ == "__main__":
    main()
