"""A rollout's memory: what is written into tags is read again, whatever its length, beside the tags of others."""

from hypothesis import given
from hypothesis import strategies as st

from azml.resources.rollout_memory import Maps, Memory, Progress, read, with_status, written

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]", fullmatch=True)
SHARES = st.dictionaries(NAMES, st.integers(0, 100), max_size=20)
TIMES = st.integers(0, 4_000_000_000)
MAPS = st.builds(Maps, SHARES, SHARES)
PROGRESS = st.builds(
    Progress,
    to=st.from_regex("[0-9a-f]{12}", fullmatch=True),
    before=MAPS,
    step=st.integers(0, 100),
    since=TIMES | st.floats(0, 4e9),
    status=st.sampled_from(["running", "paused", "aborted"]),
)
MEMORIES = st.builds(
    Memory,
    rollout=st.none() | st.from_regex("[0-9a-f]{12}", fullmatch=True),
    retired=st.lists(NAMES, unique=True, max_size=20).map(tuple),
    given_up=st.lists(NAMES, unique=True, max_size=20).map(tuple),
    previous=st.dictionaries(NAMES, TIMES, max_size=20),
    theirs=st.none() | MAPS,
    progress=st.none() | PROGRESS,
)
OTHERS = st.dictionaries(st.from_regex(r"[b-z]{1,10}", fullmatch=True), st.text(max_size=256), max_size=5)


@given(MEMORIES, OTHERS)
def test_what_is_written_is_read_and_others_tags_stay(memory: Memory, others: dict[str, str]) -> None:
    tags = written(others, memory)
    assert read(tags) == memory
    assert {name: value for name, value in tags.items() if name in others} == others


@given(MEMORIES, MEMORIES)
def test_a_tag_holds_256_characters_and_nothing_of_before_is_left(one: Memory, other: Memory) -> None:
    """ARM: tag values hold 256 characters (azure-resource-manager/management/tag-resources)."""
    tags = written(written({}, one), other)
    assert all(len(value) <= 256 for value in tags.values())
    assert read(tags) == other


BY_HAND = st.dictionaries(
    st.sampled_from(["azml-progress", "azml-previous", "azml-retired", "azml-theirs"]),
    st.text(max_size=256)
    | st.from_regex(r'\{"to":.{1,9},"before":.{1,9},"step":.{1,9},"since":.{1,9},"status":.{1,9}\}'),
)


@given(BY_HAND)
def test_what_someone_wrote_by_hand_never_raises(tags: dict[str, str]) -> None:
    assert isinstance(read(tags), Memory)


def test_the_order_of_a_map_and_its_zeros_say_nothing() -> None:
    assert Maps({"a": 90, "b": 10, "c": 0}).fingerprint == Maps({"b": 10, "a": 90}).fingerprint
    assert Maps({"a": 90, "b": 10}).fingerprint != Maps({"a": 10, "b": 90}).fingerprint
    assert Maps({"a": 100}, {"b": 10}).fingerprint != Maps({"a": 100, "b": 10}).fingerprint


def test_what_has_to_stay_for_a_way_back() -> None:
    progress = Progress(to="0", before=Maps({"a": 100}, {"m": 10}))
    memory = Memory(previous={"p": 100}, progress=progress)
    assert [name for name in "ampx" if memory.keeps(name, 99)] == ["a", "m", "p"]
    assert [name for name in "ampx" if memory.keeps(name, 100)] == ["a", "m"], "an hour that struck is over"


def test_a_user_says_what_becomes_of_it() -> None:
    progress = Progress(to="0", before=Maps({"a": 100}), step=10, since=1)
    paused = with_status(Memory(progress=progress), "paused")
    assert paused.progress is not None
    assert (paused.progress.status, paused.progress.step) == ("paused", 10)
