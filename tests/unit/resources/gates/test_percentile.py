"""Nearest rank, against its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.resources.gates.percentile import nearest_rank

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@given(VALUES, st.integers(1, 100))
def test_it_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = nearest_rank(values, percent)
    enough = [value for value in values if sum(each <= value for each in values) * 100 >= percent * len(values)]
    assert found == min(enough)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95)])
def test_ranks_of_95_percent(count: int, rank: int) -> None:
    assert nearest_rank([float(n) for n in range(1, count + 1)], 95) == rank


def test_no_values_have_none() -> None:
    with pytest.raises(ValueError, match="no values"):
        nearest_rank([], 95)
