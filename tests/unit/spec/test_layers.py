"""The law of layers."""

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from azml.spec.layers import merge
from azml.spec.tree import Node, plain

NAMES = st.sampled_from(["blue", "green", "grey"])


def node(value: Any, file: str = "a") -> Node:
    if isinstance(value, dict):
        return Node({key: node(child, file) for key, child in value.items()}, Path(file), (1, 1))
    if isinstance(value, list):
        return Node([node(child, file) for child in value], Path(file), (1, 1))
    return Node(value, Path(file), (1, 1))


def over(*layers: Any) -> Any:
    merged = node(layers[0])
    for layer in layers[1:]:
        merged = merge(merged, node(layer))
    return plain(merged)


def named(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    items = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    return st.dictionaries(NAMES, items, max_size=3).map(lambda things: [{"name": n} | t for n, t in things.items()])


VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | named(inner),
    max_leaves=8,
)
LAYERS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


WRITTEN = st.builds(node, LAYERS, st.sampled_from(["one", "two", "three"]))
TREES = WRITTEN | st.builds(merge, WRITTEN, WRITTEN)
REMOVED = merge(node({"a": None}, "two"), node({"a": {"b": 2}}, "three"))

REFILLED = merge(node({"a": []}, "two"), node({"a": [{"name": "z"}]}, "three"))


@settings(max_examples=500)
@given(TREES, TREES, TREES)
@example(node({"a": {"a": 1}}), node({"a": None}), node({"a": {"b": 2}}))
@example(node({"a": {"a": 1}}), REMOVED, node({"a": {"c": 3}}))
@example(node({"a": [{"name": "x"}]}), REFILLED, node({"a": [{"name": "y"}]}))
@example(node({"a": [{"name": "x"}]}), node({"a": []}), node({"a": [{"name": "y"}]}))
def test_it_does_not_matter_which_layers_are_merged_first(low: Node, middle: Node, high: Node) -> None:
    left, right = merge(merge(low, middle), high), merge(low, merge(middle, high))
    assert plain(left) == plain(right)
    assert places(left) == places(right)


def places(tree: Node) -> Any:
    """From which layer each value that counts comes."""
    if isinstance(tree.value, dict):
        return {key: places(child) for key, child in tree.value.items() if child.value is not None}
    return [places(child) for child in tree.value] if isinstance(tree.value, list) else tree.file


@given(LAYERS)
def test_a_layer_over_itself_changes_nothing(layer: Any) -> None:
    assert plain(merge(node(layer), node(layer))) == plain(node(layer))


@given(LAYERS, st.sampled_from("abc"), st.integers() | st.lists(st.integers(), max_size=2))
def test_the_last_layer_wins(layer: Any, key: str, value: Any) -> None:
    assert over(layer, {key: value})[key] == value


@given(LAYERS, st.sampled_from("abc"))
def test_null_removes(layer: Any, key: str) -> None:
    assert over(layer, {key: None}) == {k: v for k, v in over(layer).items() if k != key}


def test_maps_merge() -> None:
    assert over({"tags": {"a": 1, "b": 2}}, {"tags": {"b": 3, "c": 4}}) == {"tags": {"a": 1, "b": 3, "c": 4}}


def test_lists_of_named_things_merge_by_name_and_keep_their_order() -> None:
    low = {"x": [{"name": "blue", "n": 1}, {"name": "green", "n": 1}]}
    high = {"x": [{"name": "grey", "n": 3}, {"name": "blue", "m": 2}]}
    assert over(low, high) == {
        "x": [{"name": "blue", "n": 1, "m": 2}, {"name": "green", "n": 1}, {"name": "grey", "n": 3}]
    }


def test_other_lists_replace() -> None:
    assert over({"x": [1, 2]}, {"x": [3]}) == {"x": [3]}
    assert over({"x": [{"name": "blue"}]}, {"x": []}) == {"x": []}


def test_what_was_removed_does_not_come_back_through_a_later_layer() -> None:
    assert over({"tags": {"a": 1}}, {"tags": None}, {"tags": {"b": 2}}) == {"tags": {"b": 2}}


def test_zero_false_and_empty_are_values() -> None:
    assert over({"a": 1, "b": True, "c": "x"}, {"a": 0, "b": False, "c": ""}) == {"a": 0, "b": False, "c": ""}
