"""How often container groups may be made: 300 times an hour, 100 times in five minutes, in each region.

Numbers: container-instances-resource-and-quota-limits (2025-11-17).
"""

import pytest

from azml_local.arm.errors import ArmError
from azml_local.namespaces.containerinstance.rates import Rates
from azml_local.settings import Settings

FIVE_MINUTES, HOUR = 300, 3600


def refused(rates: Rates, what: str = "creates") -> int | None:
    """Seconds that a refusal asks to wait; None where there is none."""
    try:
        rates.count(what, "eastus", Settings())
    except ArmError as error:
        return error.retry_after
    return None


def test_as_often_as_documented() -> None:
    now = [0.0]
    rates = Rates(lambda: now[0])
    for start in (0, FIVE_MINUTES, 2 * FIVE_MINUTES):
        now[0] = start
        assert [refused(rates) for _ in range(100)] == [None] * 100
        assert refused(rates) == (FIVE_MINUTES if start < 2 * FIVE_MINUTES else HOUR - start)
    now[0] = 3 * FIVE_MINUTES
    assert refused(rates) == HOUR - now[0], "300 in this hour"
    assert refused(rates, "deletes") is None, "counted apart"
    rates.count("creates", "westus", Settings())
    now[0] = HOUR
    assert [refused(rates) for _ in range(100)] == [None] * 100
    assert refused(rates) == FIVE_MINUTES


@pytest.mark.parametrize("limit", ["container_writes_per_hour", "container_writes_per_5_minutes"])
def test_none_at_all(limit: str) -> None:
    with pytest.raises(ArmError) as error:
        Rates().count("creates", "eastus", Settings(**{limit: 0}))  # type: ignore[arg-type]
    assert error.value.status == 429
