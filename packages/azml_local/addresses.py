"""Where a container group with a DNS label really listens: what a name service would say, were there one.

Reads the files of a home, so that it works in another process than the server's.
"""

import json
from pathlib import Path
from typing import Any

from azml.facts.container_instances import DOMAIN
from azml_local.arm.store import Resource, Store
from azml_local.home import Home


def find(root: Path, host: str, port: int) -> int | None:
    """Give the loopback port of `LABEL.REGION.azurecontainer.io:PORT`; None where no group has that."""
    label, _, rest = host.lower().partition(".")
    region, _, domain = rest.partition(".")
    home = Home(root)
    if domain != DOMAIN or not home.database.exists():
        return None
    store = Store(home.database)
    try:
        groups = store.below(None, "Microsoft.ContainerInstance/containerGroups")
    finally:
        store.close()
    found = [group for group in groups if group.body["location"] == region and _label(group.properties) == label]
    return ports_of(home, found[0]).get(str(port)) if found else None


def ports_of(home: Home, group: Resource) -> dict[str, int]:
    """Give the loopback port of each port that a group has."""
    file = home.containers / "ports.json"
    if not file.exists():
        return {}
    ports: dict[str, int] = json.loads(file.read_text(encoding="utf-8")).get(group.id.key, {})
    return ports


def _label(properties: dict[str, Any]) -> str:
    return str((properties.get("ipAddress") or {}).get("dnsNameLabel") or "").lower()
