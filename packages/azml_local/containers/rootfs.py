"""A container's root: the layers of its image as one tree, volumes in it, without any privilege.

A folder that one layer alone has is a link to it; folders that several have are made, with links in them. Nothing is
copied but the programs of the image's Python environment, which find their interpreter from where they are. Whoever
opens an absolute path by itself leaves the root: what paths a process is given is `mapped`.
"""

import posixpath
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
"""Names by which a layer hides what lower ones have (OCI image specification, layer changesets)."""
ENVIRONMENT = PurePosixPath("opt/azml/env")
"""Where azml's images have their Python environment."""


def make(root: Path, layers: Sequence[Path], mounts: Mapping[str, Path]) -> None:
    """Make a new root. `layers` lowest first; `mounts`: path in the container → folder that is seen there."""
    own = [_parts(path) for path in mounts]
    if (program_folder := _environment_programs(layers)) is not None:
        own.append((*program_folder.parts, ""))
    _merge(list(layers), root, own)
    if program_folder is not None:
        _copy_links(root / program_folder)
    for path, folder in mounts.items():
        place = root.joinpath(*_parts(path))
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)  # of links: what a volume hides
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder)


def find(root: Path, path: str) -> Path:
    """Say where a path of the image is below a root."""
    return root.joinpath(*_parts(path))


def mapped(value: str, root: Path) -> str:
    """Write paths of the image as they are below the root: one, or several with colons between. Others stay."""
    return ":".join(_mapped(part, root) for part in value.split(":"))


def is_environment(layer: Path) -> bool:
    """Whether a layer, or a root, has a Python environment."""
    return (layer / ENVIRONMENT / "pyvenv.cfg").is_file()


def _mapped(value: str, root: Path) -> str:
    if not value.startswith("/") or value == "/":
        return value
    place = find(root, value)
    return str(place) if place.is_symlink() or place.exists() else value


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(posixpath.normpath("/" + path.lstrip("/"))).parts[1:]


def _environment_programs(layers: Sequence[Path]) -> PurePosixPath | None:
    return ENVIRONMENT / "bin" if any(is_environment(layer) for layer in layers) else None


def _merge(layers: list[Path], target: Path, own: list[tuple[str, ...]]) -> None:
    """Merge folders of several layers into a new one; `own` are paths below it that must be folders of ours."""
    target.mkdir(parents=True)
    for name, found in _names(layers).items():
        below = [parts[1:] for parts in own if parts[0] == name and len(parts) > 1]
        folders = _folders(found)
        if not folders:
            _link(found[-1], target / name)
        elif len(folders) == 1 and not below:
            (target / name).symlink_to(folders[0])
        else:
            _merge(folders, target / name, below)


def _names(layers: list[Path]) -> dict[str, list[Path]]:
    """Give what is seen: by name, every layer's entry, lowest first, without what a higher layer hides."""
    seen: dict[str, list[Path]] = {}
    for layer in layers:
        entries = sorted(layer.iterdir())
        if any(entry.name == OPAQUE for entry in entries):
            seen.clear()
        for entry in entries:
            if entry.name.startswith(WHITEOUT):
                seen.pop(entry.name.removeprefix(WHITEOUT), None)
        for entry in entries:
            if not entry.name.startswith(WHITEOUT):
                seen.setdefault(entry.name, []).append(entry)
    return seen


def _folders(found: list[Path]) -> list[Path]:
    """Give the folders that are seen as one: from the highest down to what is none."""
    folders: list[Path] = []
    for path in reversed(found):
        if path.is_symlink() or not path.is_dir():
            break
        folders.insert(0, path)
    return folders


def _link(source: Path, target: Path) -> None:
    """Show a file; a link of the image stays the link it is, so that it leads to what is merged."""
    target.symlink_to(source.readlink() if source.is_symlink() else source)


def _copy_links(folder: Path) -> None:
    """Copy programs, which look for their interpreter beside where they really are."""
    for place in folder.iterdir():
        if place.is_symlink() and (source := place.readlink()).is_absolute() and source.is_file():
            place.unlink()
            shutil.copy(source, place)
