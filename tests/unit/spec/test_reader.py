"""YAML that cannot be read: each time a located problem, never more."""

import os
import time
from pathlib import Path

import pytest

from azml.spec.errors import Problem, SpecError
from azml.spec.reader import MAX_DEPTH, read


def problem(file: Path) -> Problem:
    with pytest.raises(SpecError) as caught:
        read(file)
    [found] = caught.value.problems
    return found


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "estate.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "tab"),
        ("a: 1\na: 2\n", 2, 1, "the key a stands here twice"),
        ("a: [1\nb: 2\n", 2, 2, "flow sequence"),
        ("a: {b: 1\n", 1, 4, "flow mapping"),
        ("a:\n  b: 1\n   c: 2\n", 3, 5, "mapping values"),
        ("a: 'x\n", 1, 4, "end of stream"),
        ("name: {{ENDPOINT}}\n", 1, 8, "a key must be text"),
        ("a: 1\n---\nb: 2\n", 3, 1, "a second document"),
        ("a: *b\n", 1, 4, "no anchor &b"),
        ("a: &b [*b]\n", 1, 8, "part of the value"),
        ("? [a]\n: b\n", 1, 3, "a key must be text"),
        ("1.5: x\n", 1, 1, "the key 1.5 is not text"),
        ("2024-01-01: x\n", 1, 1, "the key 2024-01-01 is not text"),
        ("~: x\n", 1, 1, "the key ~ is not text"),
        ("a: .inf\n", 1, 4, "not a number that Pulumi can keep"),
        ("a: x\0\n", 1, 5, "control character"),
        ("a: \x07\n", 1, 4, "control character"),
        (b"a: b\nc: \xff\n", 2, 4, "not UTF-8"),
        ("a: b\n".encode("utf-16"), 1, 1, "not UTF-8"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
    ],
)
def test_broken_yaml_is_a_problem_at_its_place(
    content: str | bytes, line: int, column: int, words: str, tmp_path: Path
) -> None:
    found = problem(written(tmp_path, content))
    assert (found.line, found.column) == (line, column), found
    assert words in found.what


def test_the_broken_line_is_shown(tmp_path: Path) -> None:
    assert problem(written(tmp_path, "a: 1\nb: c: d\n")).excerpt == "b: c: d"


def test_a_template_that_was_not_rendered_is_recognised(tmp_path: Path) -> None:
    assert "rendered" in str(problem(written(tmp_path, "name: {{ENDPOINT}}\n")).fix)


def test_an_empty_file_is_null(tmp_path: Path) -> None:
    assert read(written(tmp_path, "")).value is None
    assert read(written(tmp_path, "# nothing\n")).value is None


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert list(read(written(tmp_path, b"\xef\xbb\xbfa: 1\n")).map) == ["a"]


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert "is a folder" in problem(tmp_path).what


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.yaml").file == tmp_path / "none.yaml"


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert "cannot be read" in problem(loop).what


def test_depth_is_bounded(tmp_path: Path) -> None:
    assert "levels deep" in problem(written(tmp_path, "[" * 100_000)).what
    assert read(written(tmp_path, "[" * MAX_DEPTH + "]" * MAX_DEPTH)).items


def test_aliases_do_not_grow_without_bound(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    began = time.process_time()
    found = problem(written(tmp_path, "\n".join(lines)))
    assert "through aliases" in found.what
    assert time.process_time() - began < 1


def test_merge_keys_do_not_grow_without_bound(tmp_path: Path) -> None:
    wide = ", ".join(f"k{i}: {i}" for i in range(1000))
    lines = [f"base: &base {{{wide}}}"] + [f"m{i}: {{<<: *base}}" for i in range(1000)]
    assert "through aliases" in problem(written(tmp_path, "\n".join(lines))).what


def test_everyday_aliases_are_no_bomb(tmp_path: Path) -> None:
    lines = ["base: &base {a: 1, b: 2, c: 3}"] + [f"e{i}: {{<<: *base, d: 4}}" for i in range(2000)]
    tree = read(written(tmp_path, "\n".join(lines)))
    assert len(tree.map) == 2001
    assert list(tree.map["e7"].map) == ["a", "b", "c", "d"]


def test_every_value_knows_its_place(tmp_path: Path) -> None:
    tree = read(written(tmp_path, "# é\nname: x\nlist:\n  - 1\n  - {k: v}\n"))
    assert tree.map["name"].at == (2, 7)
    assert tree.map["name"].key == (2, 1)
    assert tree.map["list"].items[1].map["k"].at == (5, 9)
    assert os.fspath(tree.file) == os.fspath(tmp_path / "estate.yaml")
