"""Generated files are what the code generates: after a change, `make accept` and look at the diff.

Says that a change of the public contract is seen; not that the contract is right.
"""

from pathlib import Path

import pytest

from tests.support.accept import GENERATED, TEMPLATE, copied


@pytest.mark.parametrize("name", GENERATED)
def test_generated_file_is_up_to_date(name: str, root: Path) -> None:
    assert (root / name).read_text(encoding="utf-8") == GENERATED[name](), "run: make accept"


def test_the_template_has_the_sample_as_it_is() -> None:
    assert {copy: copy.read_bytes() for copy in copied()} == {
        copy: original.read_bytes() for copy, original in copied().items()
    }, "run: make accept"
    in_template = {path for part in ("endpoints", "requests") for path in (TEMPLATE / part).rglob("*")}
    assert {path for path in in_template if path.is_file() and "__pycache__" not in path.parts} == set(copied())
