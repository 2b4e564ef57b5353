"""The images of one local Azure: manifest, config and extracted layers, by digest, safe to kill at any time.

    images/sha256-<digest>.json     what a manifest says: config and layers
    layers/sha256-<digest>/         a layer, complete or not there

Layers with a Python environment are kept for all local Azures of this user, as the environments are that they are made
of: they have thousands of files, and what Python compiles of them. Owns pulling what is missing and forgetting what
nobody uses. A layer is extracted beside its place and renamed.
"""

import asyncio
import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_local.containers import layers, references, rootfs
from azml_local.containers.contract import Credential, PullIdentity
from azml_local.containers.pull import LOOPBACK, Puller, PullFailed
from azml_local.home import write_json

MANIFEST_LABEL, ABSENT_LABEL = "azml.manifest", "azml.local.base-absent"
"""Labels of an image that the docker stand-in made: base layers are left out, and named."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class CannotRun(Exception):  # noqa: N818 - says what is the case
    """An image is there, and the local Azure has nothing to run it with."""


@dataclass(frozen=True)
class Image:
    """An image on disk: layers lowest first, and its config as OCI's image specification writes it."""

    digest: str
    layers: tuple[Path, ...]
    config: dict[str, Any]

    @property
    def command(self) -> list[str]:
        """What it runs."""
        return [*(self.config.get("Entrypoint") or []), *(self.config.get("Cmd") or [])]

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        pairs = (one.partition("=") for one in self.config.get("Env") or [])
        return {name: value for name, _, value in pairs}


class Images:
    """What was pulled, below `root`; `bundle` holds the certificates that registries are trusted by.

    `shared`: where layers with Python environments are kept.
    """

    def __init__(self, root: Path, bundle: Path, shared: Path) -> None:
        self._root, self._bundle, self._shared = root, bundle, shared
        self._alone = asyncio.Lock()
        for folder in (root / "images", root / "layers"):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(".*"):  # of a pull that was killed
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def find(self, digest: str) -> Image | None:
        """Give an image by its digest; None where it was not pulled as a whole."""
        try:
            told = json.loads(self._file(digest).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        folders = tuple(self._folder(layer) for layer in told["layers"])
        return Image(digest, folders, told["config"]) if all(each.is_dir() for each in folders) else None

    async def pull(self, image: str, credentials: Collection[Credential | PullIdentity], used: set[str]) -> Image:
        """Pull an image by its reference, what of it is not there yet. Raises `PullFailed`, `CannotRun`.

        Its digest is put into `used` before anything else is forgotten.
        """
        async with self._alone:  # so that images that share a layer extract it once
            found = await asyncio.to_thread(self._pull, image, credentials)
            used.add(found.digest)
            return found

    async def keep_only(self, used: Callable[[], Collection[str]]) -> None:
        """Forget every image but those in use, and the layers that only they had. Asked once nothing is pulled."""
        async with self._alone:
            await asyncio.to_thread(self._keep_only, used())

    def _keep_only(self, digests: Collection[str]) -> None:
        kept = [found for digest in digests if (found := self.find(digest)) is not None]
        files = {self._file(image.digest).name for image in kept}
        for file in (self._root / "images").glob("*.json"):
            if file.name not in files:
                file.unlink()
        folders = {layer.name for image in kept for layer in image.layers}
        for folder in (self._root / "layers").iterdir():
            if folder.name not in folders:
                gone = folder.with_name(f".{folder.name}.gone")
                folder.rename(gone)
                shutil.rmtree(gone)

    def _pull(self, image: str, credentials: Collection[Credential | PullIdentity]) -> Image:
        reference = references.parse(image)
        if reference is None:
            raise PullFailed(f"'{image}' is no image reference")
        if reference.registry.partition(":")[0] not in LOOPBACK:
            raise CannotRun(f"images of other registries ({reference.registry})")
        credential = next((one for one in credentials if one.server.lower() == reference.registry.lower()), None)
        with Puller(reference, credential, self._bundle) as puller:
            digest, manifest = puller.manifest(reference.version)
            found = self.find(digest)
            if found is None:
                found = self._fetch(puller, digest, manifest)
        _refuse_foreign(found, image)
        return found

    def _fetch(self, puller: Puller, digest: str, manifest: dict[str, Any]) -> Image:
        with tempfile.TemporaryDirectory(dir=self._root / "images", prefix=".pull-") as folder:
            file = Path(folder) / "blob"
            try:
                described = [manifest["config"], *manifest["layers"]]
                config, *parts = [(str(one["digest"]), int(one["size"])) for one in described]
            except (KeyError, TypeError, ValueError) as error:
                raise PullFailed(f"the manifest {digest} is none of an image") from error
            if bad := [one for one, _ in (config, *parts) if not _DIGEST.fullmatch(one)]:
                raise PullFailed(f"the manifest {digest} names what is no digest: {bad[0]!r}")
            puller.blob(config[0], file, config[1])
            told = Image(digest, (), json.loads(file.read_bytes()).get("config") or {})
            _refuse_foreign(told, digest)  # before its layers come, which may be large
            for layer, size in parts:
                if not self._folder(layer).is_dir():
                    puller.blob(layer, file, size)
                    self._extract(layer, file)
        write_json(self._file(digest), {"config": told.config, "layers": [layer for layer, _ in parts]})
        return Image(digest, tuple(self._folder(layer) for layer, _ in parts), told.config)

    def _extract(self, digest: str, archive: Path) -> None:
        folder = self._folder(digest)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            layers.extract(archive, beside / "layer")
            if rootfs.is_environment(beside / "layer"):
                _share(beside / "layer", self._shared / folder.name)
            else:
                (beside / "layer").rename(folder)
        except layers.BadLayer as error:
            raise PullFailed(f"layer {digest}: {error}") from error
        finally:
            shutil.rmtree(beside)

    def _file(self, digest: str) -> Path:
        return self._root / "images" / f"{digest.replace(':', '-')}.json"

    def _folder(self, digest: str) -> Path:
        name = digest.replace(":", "-")
        return self._shared / name if (self._shared / name).is_dir() else self._root / "layers" / name


def _share(layer: Path, target: Path) -> None:
    """Put a layer where others look for it, too; whole, or not at all, and only once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        shutil.move(layer, beside)
        beside.rename(target)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not target.is_dir():  # nobody else has put it there meanwhile
            raise


def _refuse_foreign(image: Image, name: str) -> None:
    labels = image.config.get("Labels") or {}
    if MANIFEST_LABEL not in labels:
        raise CannotRun(f"the image {name}, which azml did not build (it has no label {MANIFEST_LABEL})")
    if ABSENT_LABEL not in labels:
        raise CannotRun(f"the image {name} with its base image (it has no label {ABSENT_LABEL})")
    if not image.command:
        raise CannotRun(f"the image {name}, which has no ENTRYPOINT")
