"""What a change does to who calls: how long nobody answers, what is lost for good, and the way back.

Owns the downtime classes, which types hold state and what is lost with each, and the words for the way back.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from azml_change.plan import Step, mapping

ENDPOINT = "azml:index:ManagedOnlineEndpoint"
RAW_ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
REGISTRY = "azure-native:machinelearningservices:Registry"

BACK = "git revert, then up"
BACK_IN_PLACE = f"{BACK}; updated in place again"
BACK_NEW_KEYS = f"{BACK}; replaced again, with new keys"
BACK_SAME_NAME = f"{BACK}; made again with new keys, and the same URL unless somebody took the name"
BACK_EMPTY = f"{BACK}; all of it is made new and empty"

WORKSPACE_DAYS = 14
"""Days in which a deleted workspace can be recovered, without its endpoints (concept-soft-delete.md, 2025-10-31)."""
VAULT_DAYS = 90
"""Days in which a deleted key vault can be recovered, where nobody says otherwise (soft-delete-overview)."""


class Downtime(IntEnum):
    """How requests fare: all are answered; some may fail while it changes; nobody answers, or not who did."""

    none = 0
    brief = 1
    outage = 2


def azure_name(step: Step) -> str:
    """Name in Azure; the program's where it has none yet."""
    return step.id.rstrip("/").rpartition("/")[2] or step.name


def scoring_uri(step: Step) -> str:
    """Address that clients call; empty where it is not known."""
    nested = mapping(step.state.get("onlineEndpointProperties"))
    return str(step.state.get("scoringUri") or nested.get("scoringUri") or "")


@dataclass(frozen=True)
class Loss:
    """Something that holds state and goes: for counting, what it is; for people, which one and what is in it."""

    kind: str
    text: str
    rank: int = 0
    """The smaller, the more is lost."""

    def __str__(self) -> str:
        return self.text


def _url(step: Step) -> Loss:
    address = scoring_uri(step)
    return Loss("URL", f"URL {address} and its keys" if address else f"URL and keys of {azure_name(step)}")


def _vault(step: Step) -> Loss:
    properties = mapping(step.old.get("properties"))
    days = properties.get("softDeleteRetentionInDays", VAULT_DAYS)
    return Loss("key vault", f"key vault {azure_name(step)}: secrets; recoverable for {days} days")


def _of(what: str, content: str) -> Callable[[Step], Loss]:
    return lambda step: Loss(what, f"{what} {azure_name(step)}: {content}")


STATEFUL: dict[str, Callable[[Step], Loss]] = {
    "azure-native:resources:ResourceGroup": _of("resource group", "everything in it"),
    WORKSPACE: _of(
        "workspace",
        f"models, environments, data assets, jobs; recoverable for {WORKSPACE_DAYS} days, its endpoints are not",
    ),
    ENDPOINT: _url,
    RAW_ENDPOINT: _url,
    "azure-native:machinelearningservices:BatchEndpoint": _url,
    REGISTRY: _of("registry", "models and environments, which other workspaces may use"),
    "azure-native:storage:StorageAccount": _of(
        "storage account", "blobs and files, with registered models and collected data"
    ),
    "azure-native:storage:BlobContainer": _of("blob container", "its blobs"),
    "azure-native:storage:FileShare": _of("file share", "its files"),
    "azure-native:keyvault:Vault": _vault,
    "azure-native:containerregistry:Registry": _of("container registry", "images"),
    "azure-native:keyvault:Key": _of("key", "what is encrypted with it, once it is purged"),
    "azure-native:containerservice:ManagedCluster": _of("AKS cluster", "everything that runs on it, and its addresses"),
    "azure-native:operationalinsights:Workspace": _of("Log Analytics workspace", "logs"),
    "azure-native:iothub:IotHubResource": _of("IoT hub", "device identities"),
}
"""Types that hold state, in order of what is lost with them, and the words for it."""
_RANK = {type_: rank for rank, type_ in enumerate(STATEFUL)}
URL_RANK = _RANK[ENDPOINT]
"""Of an address that goes, whatever it is the address of."""


def losses(steps: list[Step]) -> list[Loss]:
    """What is lost for good by deletes and replacements, the most first."""
    gone = [step for step in steps if step.op in ("delete", "replace") and step.type in STATEFUL]
    ranked = sorted(gone, key=lambda step: (_RANK[step.type], step.urn))
    return [dataclasses.replace(STATEFUL[step.type](step), rank=_RANK[step.type]) for step in ranked]


@dataclass
class Explanation:
    """What becomes of one endpoint or service, in the words of who serves models."""

    kind: str
    name: str
    downtime: Downtime
    lines: list[str]
    way_back: str = BACK
    lost: tuple[Loss, ...] = ()
    op: str = "update"
    """What becomes of the thing itself."""
    resources: tuple[Step, ...] = ()
    """Those that change."""

    @property
    def title(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}".strip()

    @property
    def order(self) -> tuple[object, ...]:
        """What loses most first, then by downtime, then by name."""
        return not self.lost, min((loss.rank for loss in self.lost), default=0), -self.downtime, self.title
