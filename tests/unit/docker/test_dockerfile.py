"""The Dockerfile's syntax: the Dockerfile reference's own examples, and any value that can be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_local.docker.dockerfile import NotEmulated, read


def test_lines_and_comments() -> None:
    """Reference, sections Format and Escape: comments and empty lines inside a continued instruction are left out."""
    found = read("# syntax=docker/dockerfile:1\n\nFROM a\n# comment\nRUN echo hello \\\n# comment\n\n    world\nuser b")
    assert [(one.line, one.name, one.text) for one in found] == [
        (3, "FROM", "a"),
        (5, "RUN", "echo hello world"),
        (9, "USER", "b"),
    ]


def test_words() -> None:
    """Reference, section ENV: quotes and backslashes keep spaces; single quotes keep dollars."""
    (one,) = read('ENV MY_NAME="John Doe" MY_DOG=Rex\\ The\\ Dog MY_CAT=\'$fluffy\' MORE="$A-${A}" NO=\\$A')
    assert one.pairs({"A": "1"}) == {
        "MY_NAME": "John Doe",
        "MY_DOG": "Rex The Dog",
        "MY_CAT": "$fluffy",
        "MORE": "1-1",
        "NO": "$A",
    }


def test_what_is_not_read() -> None:
    with pytest.raises(NotEmulated, match="line 1: the parser directive '# escape=`'"):
        read("# escape=`\nFROM a")
    (one,) = read('LABEL a="b')
    with pytest.raises(NotEmulated, match='the quote " has no end'):
        one.pairs({})
    (one,) = read("ENV a=${b:-c}")
    with pytest.raises(NotEmulated, match="the substitution"):
        one.pairs({})


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\x85"), max_size=40))
def test_a_quoted_value_comes_back(value: str) -> None:
    """Written as the reference says: in double quotes, with a backslash before quote, backslash and dollar."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    (one,) = read(f'LABEL a="{quoted}" b=c')
    assert one.pairs({}) == {"a": value, "b": "c"}
