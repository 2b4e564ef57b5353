"""What identifies content. Oracles: git for ignore files; digests change with the bytes and with nothing else."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.resources.content import digest, digest_of, files
from azml.resources.errors import Refused

names = st.text("abcXYZ09_-. é", min_size=1, max_size=8).filter(lambda n: n.strip(". ") == n and not n.startswith("-"))
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=40), min_size=1, max_size=6
).filter(lambda tree: not any(a != b and b.startswith(f"{a}/") for a in tree for b in tree))


def lay_out(root: Path, tree: dict[str, bytes]) -> Path:
    for name, content in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@given(tree=trees, mode=st.sampled_from([0o600, 0o644, 0o755]), when=st.integers(0, 2**31))
def test_only_names_and_bytes_count(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], mode: int, when: int
) -> None:
    one = lay_out(tmp_path_factory.mktemp("one"), tree)
    other = lay_out(tmp_path_factory.mktemp("other"), dict(reversed(tree.items())))
    (other / "empty").mkdir(exist_ok=True)
    for name in tree:
        (other / name).chmod(mode)
        os.utime(other / name, (when, when))
    assert digest(one) == digest(other)


@given(tree=trees, data=st.data())
def test_every_change_shows(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], data: st.DataObject
) -> None:
    before = digest(lay_out(tmp_path_factory.mktemp("before"), tree))
    name = data.draw(st.sampled_from(sorted(tree)))
    changed = data.draw(
        st.sampled_from(
            [
                {**tree, name: tree[name] + b"x"},
                {**tree, f"{name}x": b""},
                {f"new-{key}" if key == name else key: value for key, value in tree.items()},
            ]
        )
    )
    assert digest(lay_out(tmp_path_factory.mktemp("after"), changed)) != before


def test_where_one_file_ends_and_the_next_begins_counts(tmp_path: Path) -> None:
    one = lay_out(tmp_path / "one", {"a": b"xy", "b": b""})
    other = lay_out(tmp_path / "other", {"a": b"x", "b": b"y"})
    assert digest(one) != digest(other)


def test_a_file_changed_in_place_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"a")
    before = digest(file)
    file.write_bytes(b"b")
    assert digest(file) != before


def test_a_single_file_is_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    assert files(tmp_path / "model.bin") == {"model.bin": tmp_path / "model.bin"}


@pytest.mark.parametrize(
    "patterns",
    [
        "*.log\n",
        "/top.txt\n",
        "data/\n",
        "data/*\n!data/keep.txt\n",
        "**/deep/*.txt\n",
        "# comment\n\n\\#literal\n",
        "*.txt\n!sub/*.txt\n",
        "sub/**/x.txt\n",
        "[ab].txt\n?.log\n",
    ],
)
def test_ignore_files_mean_what_git_says(tmp_path: Path, patterns: str) -> None:
    tree = [
        *("top.txt", "a.txt", "b.log", "#literal", "data/keep.txt", "data/drop.txt", "sub/top.txt", "sub/x.txt"),
        *("sub/a/b/x.txt", "deep/1.txt", "sub/deep/2.txt", "sub/deep/3.log"),
    ]
    lay_out(tmp_path, dict.fromkeys(tree, b""))
    (tmp_path / ".gitignore").write_text(patterns)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=tmp_path, capture_output=True, check=True
    )
    assert set(files(tmp_path)) == set(listed.stdout.decode().strip("\0").split("\0"))


def test_amlignore_stands_in_for_gitignore(tmp_path: Path) -> None:
    """azure-ai-ml reads .amlignore, and .gitignore only where there is none."""
    lay_out(tmp_path, {"a.txt": b"", "b.txt": b"", ".gitignore": b"a.txt", ".amlignore": b"b.txt"})
    assert set(files(tmp_path)) == {"a.txt", ".gitignore", ".amlignore"}


def test_what_running_leaves_behind_never_counts(tmp_path: Path) -> None:
    lay_out(tmp_path, {"score.py": b"", "__pycache__/score.cpython-311.pyc": b"x", "lib/__pycache__/y.pyc": b""})
    assert set(files(tmp_path)) == {"score.py"}


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    lay_out(tmp_path / "asset", {"a": b"1"})
    lay_out(tmp_path / "elsewhere", {"b": b"2"})
    (tmp_path / "asset" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "asset")
    assert {"a", "linked/b"} <= set(files(tmp_path / "asset"))


@pytest.mark.parametrize("make", [lambda _: None, lambda p: p.mkdir(), lambda p: lay_out(p, {".gitignore": b"*"})])
def test_nothing_to_upload_is_said(tmp_path: Path, make: object) -> None:
    make(tmp_path / "model")  # type: ignore[operator]
    with pytest.raises(Refused, match="model"):
        files(tmp_path / "model")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=5))
def test_the_order_of_keys_does_not_count(value: dict[str, object]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(value.items())))
