"""Staging of build contexts, where clocks, disks and others are against it.

What a context holds is `test_image_manifest`'s.
"""

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from azml.image_context import folder_of, stage
from azml.image_manifest import File

YESTERDAY = time.time() - 2 * 86400
FILES = {"code/score.py": File(b"x = 1\n"), "Dockerfile": File(b"FROM base:1\n")}


def test_a_context_that_is_wanted_again_is_not_of_yesterday(tmp_path: Path) -> None:
    wanted = folder_of(tmp_path, "churn", "wanted")
    stage(FILES, wanted)
    os.utime(wanted, (YESTERDAY, YESTERDAY))
    stage(FILES, wanted)
    stage(FILES, folder_of(tmp_path, "churn", "next"))
    assert (wanted / "Dockerfile").is_file()


@pytest.mark.parametrize("large", [False, True])
def test_a_file_that_somebody_changed_is_put_back(tmp_path: Path, *, large: bool) -> None:
    """Of the same size and mode: its bytes tell."""
    source = tmp_path / "model.bin"
    source.write_bytes(b"a" * (2**20 if large else 10))
    source.chmod(0o600)  # another mode than it is staged with: a copy, no link
    folder = folder_of(tmp_path, "churn", "tag")
    stage({"model.bin": File.of(source)}, folder)
    (folder / "model.bin").write_bytes(b"b" * source.stat().st_size)
    stage({"model.bin": File.of(source)}, folder)
    assert (folder / "model.bin").read_bytes() == source.read_bytes()


def test_a_disk_that_refuses_is_an_error_and_no_endless_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.name == "made":
            raise OSError(errno.EROFS, "Read-only file system")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    folder = folder_of(tmp_path, "churn", "tag")
    with pytest.raises(OSError, match="Read-only"):
        stage(FILES, folder)
    assert list(folder.parent.iterdir()) == [], "nothing half is left"


def test_somebody_who_was_faster_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, folder = Path.rename, folder_of(tmp_path, "churn", "tag")

    def second(self: Path, target: Path) -> Path:
        if self.name == "made" and not folder.exists():
            shutil.copytree(self, folder)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second)
    stage(FILES, folder)
    assert (folder / "code" / "score.py").read_bytes() == b"x = 1\n"
    assert list(folder.parent.iterdir()) == [folder]


def test_names_of_repositories_do_not_meet_on_disk(tmp_path: Path) -> None:
    """`/` and `-` and `_` are letters of repositories (distribution-spec, "Pulling manifests"); a plus sign is none."""
    names = ["a/b", "a-b", "a_b", "a__b", "a.b", "a/b/c", "a/b-c"]
    assert len({folder_of(tmp_path, name, "tag") for name in names}) == len(names)
