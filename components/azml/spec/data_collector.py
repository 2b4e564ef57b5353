"""What a deployment keeps of its requests and answers, and which data assets hold it.

Owns the block `data_collector`. Deliberately makes no names for data assets: that needs the endpoint's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from azml.facts import names
from azml.facts import online_endpoints as facts
from azml.spec.base import Finding, Spec, rule
from azml.spec.references import AssetReference, DataReference, arm_id
from azml.spec.types import AnyCase, Flag, Version, fraction, named, written

DatastoreUri = Annotated[
    str,
    written(
        r"(azureml|wasbs?|abfss?|https?|adl)://[^\s<>]+",
        "the URI of a folder in the cloud",
        "azureml://datastores/NAME/paths/FOLDER",
    ),
]


class CollectedDataSpec(Spec):
    """The data asset that a collection is registered as, or one that is there already."""

    name: Annotated[str, named(names.ASSET)] | None = None
    """Name of the data asset. Absent: ENDPOINT-DEPLOYMENT-COLLECTION."""
    path: DatastoreUri | None = None
    """Folder that it is collected in: azureml://datastores/… Absent: modelDataCollector/ENDPOINT/DEPLOYMENT/COLLECTION
    in workspaceblobstore."""
    version: Version | None = None
    """Version of the data asset. Absent: 1."""
    data_id: Annotated[str, arm_id("Microsoft.MachineLearningServices/workspaces/data/versions")] | None = None
    """ARM id of a data asset's version that is there already, instead of the other fields."""

    @rule
    def _made_or_there_already(self) -> Iterator[Finding]:
        for field in ("name", "path", "version"):
            if self.data_id is not None and getattr(self, field) is not None:
                yield Finding("data_id names a data asset that is there already", (field,), fix="keep one of them")


Data = Annotated[
    Annotated[DataReference, Tag("<reference>")] | Annotated[CollectedDataSpec, Tag("<map>")],
    Discriminator(lambda value: "<map>" if isinstance(value, dict | Spec) else "<reference>"),
]


class CollectionSpec(Spec):
    """One collection."""

    enabled: Flag
    """Whether it is collected."""
    client_id: str | None = None
    """Client id of the identity that writes."""
    data: Data | None = None
    """The data asset: a map, or azureml:NAME:VERSION or an ARM id for one that is there already."""


class RequestLoggingSpec(Spec):
    """What is logged of each request."""

    capture_headers: list[str] = []
    """Headers to log."""


class DataCollectorSpec(Spec):
    """What is kept of inputs and outputs."""

    collections: dict[str, CollectionSpec]
    """By name: `request` and `response` are the bodies, others are written by the scoring script."""
    rolling_rate: Annotated[Literal["minute", "hour", "day"], AnyCase()] = "hour"
    """How often a new folder begins."""
    sampling_rate: Annotated[float, fraction(0, 1)] = facts.SAMPLING_RATE
    """Share of requests."""
    request_logging: RequestLoggingSpec | None = None
    """What is logged of each request."""

    @rule
    def _collections_can_name_data(self) -> Iterator[Finding]:
        for name, collection in self.collections.items():
            named_otherwise = collection.data is not None and getattr(collection.data, "name", None) is not None
            if not named_otherwise and not names.ASSET.fits(name):
                yield Finding(
                    "cannot be part of a data asset's name", ("collections", name), name, allowed=names.ASSET.allowed
                )

    @rule
    def _data_has_a_version(self) -> Iterator[Finding]:
        for name, collection in self.collections.items():
            data = collection.data
            if isinstance(data, AssetReference) and data.version is None:
                fix = f"write azureml:{data.name}:VERSION"
                yield Finding("names no version", ("collections", name, "data"), data.text, fix=fix)
