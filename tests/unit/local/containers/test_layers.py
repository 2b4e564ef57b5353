"""Archives on disk: what no layer may hold, and how several are seen as one tree."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_local.containers import layers, references, rootfs
from tests.support import oci


def archive(*members: tuple[str, bytes, str]) -> bytes:
    """A tar of (name, type, goal)."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, kind, goal in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, goal
            tar.addfile(info)
    return content.getvalue()


def extracted(tmp_path: Path, content: bytes, name: str = "layer") -> Path:
    (tmp_path / "archive").write_bytes(content)
    layers.extract(tmp_path / "archive", tmp_path / name)
    return tmp_path / name


FILE, LINK, HARD, DEVICE = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("../out", FILE, "")],
        [("a/../../out", FILE, "")],
        [("/etc/out", FILE, "")],
        [("a", LINK, "../../etc")],
        [("a", LINK, "/tmp"), ("a/out", FILE, "")],
        [("a", LINK, "b"), ("b", tarfile.DIRTYPE, ""), ("a/out", FILE, "")],
        [("a", HARD, "../archive")],
        [("a", HARD, "/etc/hostname")],
        [("a", LINK, "/etc/hostname"), ("b", HARD, "a")],
        [("a", DEVICE, "")],
    ],
)
def test_what_leads_out_is_refused(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    with pytest.raises(layers.BadLayer):
        extracted(tmp_path, archive(*members))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "layer"]


@given(st.binary(max_size=600))
def test_no_archive_at_all(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("layer")
    try:
        extracted(folder, content)
    except layers.BadLayer:
        return
    assert list((folder / "layer").iterdir()) == []


def test_files_cannot_be_written(tmp_path: Path) -> None:
    found = extracted(tmp_path, oci.layer({"a/b": "x"}, {"abs": "/a/b", "c/rel": "../a/b"}))
    assert (found / "a/b").stat().st_mode & 0o777 == 0o444
    assert (found / "abs").read_text() == "x", "an absolute link is one from the image's root"
    assert (found / "c/rel").read_text() == "x"


def test_layers_are_one_tree(tmp_path: Path) -> None:
    lower = extracted(tmp_path, oci.layer({"a/one": "1", "a/two": "2", "b/x": "x", "c/y": "y", "d": "file"}), "lower")
    upper = extracted(
        tmp_path, oci.layer({"a/two": "other", "a/.wh.one": "", "c/.wh..wh..opq": "", "c/z": "z", "d/in": "d"}), "upper"
    )
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "v").write_text("v")
    rootfs.make(tmp_path / "root", [lower, upper], {"/b/mnt/deep": volume, "/c": volume})
    root = tmp_path / "root"
    assert sorted(path.name for path in (root / "a").iterdir()) == ["two"]
    assert (root / "a/two").read_text() == "other"
    assert (root / "b/x").read_text() == "x"
    assert (root / "b/mnt/deep/v").read_text() == "v"
    assert [path.name for path in (root / "c").iterdir()] == ["v"], "a volume hides what is below it"
    assert (root / "d/in").read_text() == "d"
    assert not (lower / "b/mnt").exists(), "the layer stays as it was"


def test_what_a_layer_hides_is_hidden(tmp_path: Path) -> None:
    lower = extracted(tmp_path, oci.layer({"c/y": "y"}), "lower")
    upper = extracted(tmp_path, oci.layer({"c/.wh..wh..opq": "", "c/z": "z"}), "upper")
    rootfs.make(tmp_path / "root", [lower, upper], {})
    assert [path.name for path in (tmp_path / "root/c").iterdir()] == ["z"]


@pytest.mark.parametrize(
    ("value", "mapped"),
    [("/a/b", "{root}/a/b"), ("/a/b:/usr/bin:x", "{root}/a/b:/usr/bin:x"), ("/nowhere", "/nowhere"), ("/", "/"),
     ("a/b", "a/b"), ("https://host/a", "https://host/a"), ("//a/b", "{root}/a/b"), ("/../../a/b", "{root}/a/b")],
)  # fmt: skip
def test_paths_of_the_image_are_below_the_root(tmp_path: Path, value: str, mapped: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").touch()
    assert rootfs.mapped(value, tmp_path) == mapped.format(root=tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:5000/team/model:3", references.Reference("127.0.0.1:5000", "team/model", "3")),
        (f"a.azurecr.io/m@sha256:{'0' * 64}", references.Reference("a.azurecr.io", "m", f"sha256:{'0' * 64}")),
        (f"a.azurecr.io/m:1@sha256:{'0' * 64}", references.Reference("a.azurecr.io", "m", f"sha256:{'0' * 64}")),
        ("nginx", references.Reference("docker.io", "nginx", "latest")),
        ("team/nginx:1", references.Reference("docker.io", "team/nginx", "1")),
        ("UPPER/case", None),
        ("", None),
    ],
)
def test_references(text: str, found: references.Reference | None) -> None:
    assert references.parse(text) == found
