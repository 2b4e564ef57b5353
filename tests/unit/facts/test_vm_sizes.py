"""The table of VM sizes, held against Azure's own pages."""

from datetime import date

import pytest

from azml.facts import vm_sizes
from azml.facts.online_endpoints import INSTANCE_TYPES


@pytest.mark.parametrize(
    ("name", "cores", "memory_gib", "accelerators"),
    [
        # docs: dv2-series, dsv2-series, fsv2-series, ncast4v3, nca100v4, np-series.
        ("Standard_D2_v2", 2, 7, 0),
        ("Standard_DS3_v2", 4, 14, 0),
        ("Standard_F2s_v2", 2, 4, 0),
        ("Standard_NC4as_T4_v3", 4, 28, 1),
        ("Standard_NC96ads_A100_v4", 96, 880, 4),
        ("Standard_NP10s", 10, 168, 1),
        ("Standard_PB6s", 6, 112, 1),
        ("Standard_E4-2s_v5", 2, 32, 0),
    ],
)
def test_sizes_of_azures_pages(name: str, cores: int, memory_gib: float, accelerators: float) -> None:
    size = vm_sizes.find(name)
    assert size is not None
    assert (size.name, size.cores, size.memory_gib, size.accelerators) == (name, cores, memory_gib, accelerators)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        # docs: Retired Azure VM size series; np-series.
        ("Standard_NC24rs_v3", date(2025, 9, 30)),
        ("Standard_NC24s_v3", date(2025, 9, 30)),
        ("Standard_NV12s_v3", date(2026, 9, 30)),
        ("Standard_NP10s", date(2027, 5, 31)),
        ("Standard_DS3_v2", date(2028, 5, 1)),
        ("Standard_F4s_v2", date(2028, 11, 15)),
        ("Standard_L8s_v2", date(2028, 11, 15)),
        ("Standard_NC4as_T4_v3", None),
        ("Standard_L8s_v3", None),
        ("Standard_D4s_v3", None),
        ("Standard_B2s_v2", None),
    ],
)
def test_when_azure_retires_a_size(name: str, day: date | None) -> None:
    size = vm_sizes.find(name)
    assert size is not None
    assert size.retirement == day


def test_azure_compares_names_without_case() -> None:
    assert vm_sizes.find("STANDARD_ds3_V2") == vm_sizes.find("Standard_DS3_v2")
    assert vm_sizes.find("Standard_DS3_v9") is None


def test_a_shared_gpu_is_a_fraction() -> None:
    size = vm_sizes.find("Standard_NV6ads_A10_v5")
    assert size is not None
    assert (size.accelerator, round(size.accelerators, 4)) == ("NVIDIA A10", 0.1667)


def test_a_price_has_its_date_or_there_is_none() -> None:
    known = vm_sizes.sizes().values()
    assert len(known) == 1470
    assert {size.price_date for size in known if size.usd_per_hour is not None} == {date(2026, 6, 18)}
    assert sum(size.usd_per_hour is None for size in known) == 132


def test_every_managed_instance_type_is_in_the_table() -> None:
    assert [name for name in INSTANCE_TYPES if vm_sizes.find(name) is None] == []
    assert [name for name in INSTANCE_TYPES if vm_sizes.find(name).name != name] == []  # type: ignore[union-attr]
