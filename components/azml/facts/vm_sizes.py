"""Azure VM sizes: cores, memory, accelerators, price.

Owns the table and reads it on first use. Deliberately says nothing of where a size may be used (`online_endpoints`).

Data: `azure_vm_sizes.csv`, 1,470 sizes. Cores, memory and accelerator counts from the Kubernetes cluster-autoscaler's
list (generated from `az vm list-skus`; 2026-03-05, with older revisions for retired sizes); constrained sizes carry the
usable cores. Prices: pay-as-you-go Linux, East US, from the Karpenter Azure provider's price list (2026-06-18).
Retirements: docs, "Retired Azure VM size series" (2025-06-13 with later edits, read in November 2026); NP-series:
np-series.md (2026-04-13).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

_RETIREMENTS: tuple[tuple[str, date], ...] = (
    (r"NC\d+r?s_v3", date(2025, 9, 30)),
    (r"NV\d+s_v3|NV\d+as_v4", date(2026, 9, 30)),
    (r"M192id?m?s_v2", date(2027, 3, 31)),
    (r"NP\d+s", date(2027, 5, 31)),
    (r"DS?\d+(-\d+)?(_v2)?|L\d+s", date(2028, 5, 1)),
    (r"A\d+m?_v2|B\d+[a-z]*|F\d+s?|F\d+s_v2|GS?\d+(-\d+)?|L\d+s_v2", date(2028, 11, 15)),
)
"""The series that Azure retires, by the pattern of their sizes' names, and the day."""


@dataclass(frozen=True)
class VmSize:
    """One size. `accelerators` may be a fraction (a shared GPU); a price is None where none is published."""

    name: str
    cores: int
    memory_gib: float
    accelerator: str | None
    accelerators: float
    usd_per_hour: float | None
    price_date: date | None

    @property
    def retirement(self) -> date | None:
        """The day from which Azure has it no more; None where none is announced."""
        series = self.name.removeprefix("Standard_")
        return next((day for pattern, day in _RETIREMENTS if re.fullmatch(pattern, series, re.IGNORECASE)), None)


@cache
def sizes() -> dict[str, VmSize]:
    """Every size by its name in lower case: Azure compares names without case."""
    text = resources.files(__package__).joinpath("azure_vm_sizes.csv").read_text(encoding="utf-8")
    return {row["name"].lower(): _size(row) for row in csv.DictReader(text.splitlines())}


def find(name: str) -> VmSize | None:
    """Return the size of that name in any case, or None."""
    return sizes().get(name.lower())


def _size(row: dict[str, str]) -> VmSize:
    price = row["price_usd_hour_eastus"]
    return VmSize(
        name=row["name"],
        cores=int(row["vcpus"]),
        memory_gib=float(row["memory_gib"]),
        accelerator=row["accelerator"] or None,
        accelerators=float(row["accelerator_count"] or 0),
        usd_per_hour=float(price) if price else None,
        price_date=date.fromisoformat(row["price_date"]) if row["price_date"] else None,
    )
