"""Azure VM sizes: cores, memory, accelerators, price.

Owns the table and reads it on first use. Deliberately says nothing of where a size may be used (`online_endpoints`).

Data: `azure_vm_sizes.csv`, 1,470 sizes. Cores, memory and accelerator counts from the Kubernetes cluster-autoscaler's
list (generated from `az vm list-skus`; 2026-03-05, with older revisions for retired sizes); constrained sizes carry the
usable cores. Prices: pay-as-you-go Linux, East US, from the Karpenter Azure provider's price list (2026-06-18).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources


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
