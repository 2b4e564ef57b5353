"""What answers requests in a local Azure: online endpoints and container groups, as the files of its home have them.

Owns reading them from another process than the server's, and whose memory is whose. Deliberately asks nobody: it tells
of a local Azure that does not run, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_local.home import Home

if TYPE_CHECKING:
    from azml_local.arm.store import Resource, Store

_ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
_GROUPS = "Microsoft.ContainerInstance/containerGroups"


@contextmanager
def store_of(home: Home) -> "Iterator[Store | None]":
    """The resources of a local Azure; None where it never had any."""
    if not home.database.exists():
        yield None
        return
    from azml_local.arm.store import Store

    store = Store(home.database)
    try:
        yield store
    finally:
        store.close()


def endpoints(home: Home, store: "Store | None", processes: list[Any]) -> list[dict[str, Any]]:
    """Every online endpoint with its deployments. `processes`: the server's and its children's."""
    if store is None:
        return []

    def taken(kind: str, resource: "Resource") -> float:
        return _memory_in(_folder(home.online / kind, resource), processes)

    return [
        {
            "id": str(endpoint.id),
            "name": endpoint.id.name,
            "workspace": endpoint.id.parent.name if endpoint.id.parent else "",
            "state": endpoint.state,
            "scoring_uri": endpoint.properties.get("scoringUri"),
            "memory_mb": taken("endpoints", endpoint),
            "deployments": [
                {
                    "name": deployment.id.name,
                    "state": deployment.state,
                    "instances": deployment.body["sku"]["capacity"],
                    "traffic": endpoint.properties.get("traffic", {}).get(deployment.id.name, 0),
                    "memory_mb": taken("deployments", deployment),
                }
                for deployment in store.below(endpoint.id, f"{_ENDPOINTS}/deployments")
            ],
        }
        for endpoint in store.below(None, _ENDPOINTS)
    ]


def container_groups(home: Home, store: "Store | None", processes: list[Any]) -> list[dict[str, Any]]:
    """Every container group, with where it really listens."""
    found = [] if store is None else store.below(None, _GROUPS)
    if not found:
        return []
    from azml_local.addresses import ports_of

    return [_group(home, group, ports_of(home, group), processes) for group in found]


def _group(home: Home, group: "Resource", ports: dict[str, int], processes: list[Any]) -> dict[str, Any]:
    from azml_local.containers import views

    folder = _folder(home.containers / "groups", group)
    told = views.read(folder / "view.json")
    return {
        "id": str(group.id),
        "name": group.id.name,
        "state": views.group_state(told, group.properties["restartPolicy"]) if processes else None,
        "restarts": sum(one["restartCount"] for one in told["containers"].values()),
        "image": ", ".join(one["properties"]["image"] for one in group.properties["containers"]),
        "addresses": [
            f"127.0.0.1:{ports[str(port['port'])]}"
            for port in (group.properties.get("ipAddress") or {}).get("ports") or []
            if str(port["port"]) in ports
        ],
        "memory_mb": _memory_in(folder, processes),
    }


def memory(process: Any) -> float:
    """Resident MB of a process; 0 of one that has ended."""
    import psutil

    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _memory_in(folder: Path, processes: list[Any]) -> float:
    """Of the processes that work in a folder: those of one endpoint, deployment or group."""
    import psutil

    def is_in(process: Any) -> bool:
        try:
            # A container's working folder may lie in a shared layer; its HOME is its own.
            places = process.cwd(), process.environ().get("HOME", "")
            return any(Path(place).is_relative_to(folder) for place in places)
        except psutil.Error:
            return False

    return sum(memory(process) for process in processes if is_in(process))


def _folder(within: Path, resource: "Resource") -> Path:
    from azml_local.scoring.files import folder

    return folder(within, str(resource.id), resource.id.name)
