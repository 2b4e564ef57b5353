"""The runtime: from wanted container groups to running processes.

Puts the steps in order (images, roots, volumes, ports, processes), and keeps what is seen of each group. What is wanted
is remembered by who asks, who puts every group again after a restart (`restore`); images, ports and views are kept.
"""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from azml_local.containers import interpreter, output, rootfs, views
from azml_local.containers.container import ContainerProcess, Place
from azml_local.containers.contract import Container, Group, GroupFailed, Volume
from azml_local.containers.cores import Cores
from azml_local.containers.images import CannotRun, Image, Images
from azml_local.containers.pull import PullFailed
from azml_local.containers.views import GroupView
from azml_local.home import write_json, write_private
from azml_local.scoring import files
from azml_local.scoring.contract import Report
from azml_local.scoring.gateways import choose_port
from azml_local.scoring.processes import Processes

Waits = Callable[[str], Sequence[float]]
"""Seconds to wait, by what is waited for: `pull` (between tries) and `back_off` (before a container's next start)."""

_PORTS, _FREED = "ports.json", "freed.json"
"""Loopback ports by group: of those that are there, and of those that were. On Azure a group that is made again has the
address that its DNS label makes; here that is its port."""
_MOST_FREED = 100


class ContainerPlane:
    """Runs every container group of one local Azure, under `home`.

    Operations on one group are put in order here; others overlap. Must be made and used on the thread that lives as
    long as the process: children die with the thread that started them. `shared`: layers that other local Azures of
    this user can use, too.
    """

    def __init__(self, home: Path, bundle: Path, shared: Path, waits: Waits) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._waits = home, waits
        self._processes = Processes(home / "processes.json")
        self._processes.end_leftovers()
        self._images, self._cores = Images(home, bundle, shared), Cores()
        self._running: dict[str, list[ContainerProcess]] = {}
        self._used = {file.parent.name: _used(file) for file in (home / "groups").glob("*/view.json")}
        self._order: dict[str, asyncio.Lock] = {}

    async def put(self, group: Group, report: Report) -> None:
        """Make a group run as it is wanted; containers that ran are ended first. Raises `GroupFailed`."""
        key = group.id.lower()
        async with self._ordered(key):
            await self._end(key)
            view = self._view(group.id)
            view.begin([each.name for each in (*group.first, *group.containers)])
            used = self._used[self._folder(group.id).name] = set()
            try:
                images = {each.name: await self._pulled(group, each, view, used, report) for each in _all(group)}
                await self._begin(group, images, view, report)
            except GroupFailed:
                await self._end(key)
                view.failed = True
                view.save()
                raise
            await self._forget_unused()

    async def restore(self, group: Group, report: Report) -> None:
        """Start again what ran when the local Azure ended; what was over stays so. Raises `GroupFailed`."""
        key = group.id.lower()
        async with self._ordered(key):
            view = self._view(group.id)
            if view.stopped or views.group_state(views.read(self._file(group.id)), group.restart) != "Running":
                return
            used = self._used.setdefault(self._folder(group.id).name, set())
            images = {each.name: self._images.find(view.images.get(each.image, "")) for each in _all(group)}
            if not all(images.values()):
                images = {each.name: await self._pulled(group, each, view, used, report) for each in _all(group)}
            known = {name: image for name, image in images.items() if image is not None}
            await self._begin(group, known, view, report, again=True)

    async def stop(self, group_id: str) -> None:
        """End a group's containers; it keeps what is seen of it."""
        async with self._ordered(group_id.lower()):
            await self._end(group_id.lower())
            view = self._view(group_id)
            view.stopped = True
            view.save()

    async def delete(self, group_id: str) -> None:
        """End a group for good. Unknown: nothing to do."""
        key = group_id.lower()
        async with self._ordered(key):
            await self._end(key)
            self._used.pop(self._folder(group_id).name, None)
            ports = self._read(_PORTS)
            if (freed := ports.pop(key, None)) is not None:
                write_json(self._home / _PORTS, ports)
                latest = [*self._read(_FREED).items(), (key, freed)][-_MOST_FREED:]
                write_json(self._home / _FREED, dict(latest))
            shutil.rmtree(self._folder(group_id), ignore_errors=True)
            await self._forget_unused()

    def view(self, group_id: str) -> dict[str, Any]:
        """Tell what is seen of a group: `{images, stopped, failed, containers: {name: instance view}}`."""
        return views.read(self._file(group_id))

    def ports(self, group_id: str) -> Mapping[int, int]:
        """Give the loopback port of each port that a group has."""
        return {int(port): local for port, local in self._read(_PORTS).get(group_id.lower(), {}).items()}

    def logs(self, group_id: str, name: str, lines: int | None, *, timestamps: bool) -> str:
        """Give the end of a container's log."""
        told = self.view(group_id)["containers"].get(name) or {"currentState": {"state": ""}}
        running = told["currentState"]["state"] == "Running"
        log = self._folder(group_id) / "containers" / name / "log"
        return output.read(log, running=running, lines=lines, timestamps=timestamps)

    async def close(self) -> None:
        """End every child process; what is seen of groups stays."""
        await asyncio.gather(*(each.stop(tell=False) for group in self._running.values() for each in group))
        self._running.clear()

    async def _pulled(
        self, group: Group, container: Container, view: GroupView, used: set[str], report: Report
    ) -> Image:
        """Pull a container's image, trying again as long as the lifecycle says."""
        told, name = view.container(container.name), container.image
        for wait in (*self._waits("pull"), None):
            told.event("Pulling", f'pulling image "{name}"')
            report(f"pulling {name}")
            try:
                image = await self._images.pull(name, group.credentials, used)
            except CannotRun as error:
                text = f"NotImplemented: the local Azure cannot run {error}"
                told.event("Failed", text)
                raise GroupFailed("NotImplemented", f"{text}.") from error
            except PullFailed as error:
                told.event("Failed", f'Failed to pull image "{name}": {error}')
                if wait is None:
                    raise _inaccessible(group, name, error) from error
                told.event("BackOff", f'Back-off pulling image "{name}"')
                told.waiting("ImagePullBackOff")
                await asyncio.sleep(wait)
            else:
                view.images[name] = image.digest
                told.event("Pulled", f'Successfully pulled image "{name}"')
                return image
        raise AssertionError  # the last wait is None

    async def _begin(
        self, group: Group, images: Mapping[str, Image], view: GroupView, report: Report, *, again: bool = False
    ) -> None:
        ports = await asyncio.to_thread(self._choose_ports, group)
        volumes = {each.name: await asyncio.to_thread(self._volume, group, each) for each in group.volumes}
        running = self._running[group.id.lower()] = []
        for container in _all(group):
            told = view.container(container.name)
            first = container in group.first
            if again and (first or told.exit_code is not None):
                continue
            image = images[container.name]
            mounts = {mount.path: volumes[mount.volume] for mount in container.mounts}
            folder = self._folder(group.id) / "containers" / container.name
            try:
                await asyncio.to_thread(_make_root, folder, image, mounts, keep_log=again)
            except CannotRun as error:
                told.event("Failed", f"NotImplemented: the local Azure cannot run {error}")
                raise GroupFailed("NotImplemented", f"The local Azure cannot run {error}.") from error
            place = Place(folder / "root", folder, ports)
            made = (container, image, place, told, self._processes, self._cores, self._waits("back_off"))
            process = ContainerProcess(*made)
            running.append(process)
            report(f"starting {container.name}")
            await process.start("OnFailure" if first and group.restart == "Always" else group.restart)
            if first and (code := await process.end()):
                raise GroupFailed(
                    "InitContainerFailed", f"The init container '{container.name}' ended with code {code}."
                )

    async def _end(self, key: str) -> None:
        await asyncio.gather(*(each.stop() for each in self._running.pop(key, [])))

    async def _forget_unused(self) -> None:
        await self._images.keep_only(lambda: set().union(*self._used.values()))

    def _choose_ports(self, group: Group) -> dict[int, int]:
        """Give every port of a group one of the loopback interface: the one it had, unless that is taken."""
        ports, key = self._read(_PORTS), group.id.lower()
        before = ports.get(key) or self._read(_FREED).get(key, {})
        ports[key] = {str(port): choose_port(before.get(str(port))) for port in group.ports}
        write_json(self._home / _PORTS, ports)
        return {int(port): local for port, local in ports[key].items()}

    def _read(self, name: str) -> dict[str, dict[str, int]]:
        with contextlib.suppress(FileNotFoundError):
            ports: dict[str, dict[str, int]] = json.loads((self._home / name).read_text())
            return ports
        return {}

    def _volume(self, group: Group, volume: Volume) -> Path:
        """Make a volume; an empty one keeps what was put into it for as long as the group is there."""
        folder = self._folder(group.id) / "volumes" / volume.name
        if volume.files is not None:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (volume.files or {}).items():
            write_private(folder / name, content)
        return folder

    def _view(self, group_id: str) -> GroupView:
        return GroupView(self._file(group_id))

    def _file(self, group_id: str) -> Path:
        return self._folder(group_id) / "view.json"

    def _folder(self, group_id: str) -> Path:
        return files.folder(self._home / "groups", group_id, group_id.rstrip("/").rpartition("/")[2])

    def _ordered(self, key: str) -> asyncio.Lock:
        return self._order.setdefault(key, asyncio.Lock())


def _used(view: Path) -> set[str]:
    return set(views.read(view)["images"].values())


def _all(group: Group) -> list[Container]:
    return [*group.first, *group.containers]


def _make_root(folder: Path, image: Image, mounts: Mapping[str, Path], *, keep_log: bool) -> None:
    """Make a container's root and folder anew; its log goes on where it is started again by the local Azure alone."""
    if keep_log:
        shutil.rmtree(folder / "root", ignore_errors=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    rootfs.make(folder / "root", image.layers, mounts)
    interpreter.give(folder / "root")


def _inaccessible(group: Group, image: str, error: PullFailed) -> GroupFailed:
    text = f"The image '{image}' in container group '{group.name}' is not accessible. Please check the image and "
    return GroupFailed("InaccessibleImage", f"{text}registry credential. ({error})")
