from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from azml_gateway.traffic import Mirror, Split


@st.composite
def percentages(draw: st.DrawFn) -> dict[str, int]:
    """Up to six deployments whose shares add up to 100, zeros included."""
    cuts = sorted(draw(st.lists(st.integers(0, 100), max_size=5)))
    edges = [0, *cuts, 100]
    return {f"d{i}": high - low for i, (low, high) in enumerate(pairwise(edges))}


@given(percentages(), st.integers(0, 250))
def test_any_hundred_requests_in_a_row_are_split_exactly(weights: dict[str, int], before: int) -> None:
    split = Split(weights)
    for _ in range(before):
        split.next()
    counts = Counter(split.next() for _ in range(100))
    assert counts == Counter({name: share for name, share in weights.items() if share})


@given(st.integers(1, 99), st.integers(1, 100))
def test_two_deployments_are_interleaved_not_served_in_blocks(share: int, requests: int) -> None:
    split = Split({"blue": share, "green": 100 - share})
    counts = Counter(split.next() for _ in range(requests))
    assert abs(counts["blue"] - requests * share / 100) < 1


def test_no_positive_weight_chooses_nothing() -> None:
    assert Split({"blue": 0}).next() is None
    assert Split({}).heaviest() is None


def test_asking_for_the_heaviest_takes_no_turn() -> None:
    split = Split({"blue": 10, "green": 90})
    chosen = []
    for _ in range(100):
        assert split.heaviest() == "green"
        chosen.append(split.next())
    assert chosen.count("blue") == 10


@given(st.integers(0, 50), st.integers(0, 250))
def test_a_mirror_copies_exactly_its_share_of_any_hundred_requests(share: int, before: int) -> None:
    mirror = Mirror({"shadow": share})
    for _ in range(before):
        mirror.next()
    assert sum(len(mirror.next()) for _ in range(100)) == share
