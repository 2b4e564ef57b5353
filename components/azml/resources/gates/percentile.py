"""Percentiles, exactly.

Owns the one definition that azml uses. Deliberately estimates and interpolates nothing.
"""

import math
from collections.abc import Sequence


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed: the ceil(n × percent / 100)th.

    `ValueError` where there are no values.
    """
    if not values:
        raise ValueError("no values have no percentile")
    rank = max(1, math.ceil(len(values) * percent / 100))
    return sorted(values)[rank - 1]
