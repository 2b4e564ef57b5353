"""Generated files are what the code generates: after a change, `make accept` and look at the diff.

Says that a change of the public contract is seen; not that the contract is right.
"""

from pathlib import Path

import pytest

from tests.support.accept import GENERATED


@pytest.mark.parametrize("name", GENERATED)
def test_generated_file_is_up_to_date(name: str, root: Path) -> None:
    assert (root / name).read_text(encoding="utf-8") == GENERATED[name](), "run: make accept"
