"""The law of layers: later wins, maps merge, lists of named things merge by name, null removes, the rest replaces.

Expected values come from RFC 7396 (JSON Merge Patch), which is that law for maps, with lists of named things written as
maps by name; its own pseudocode is below.
"""

import json
import tempfile
from functools import reduce
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from azml.spec.layers import merge
from azml.spec.stack_file import assemble
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


@settings(max_examples=300)
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


NAMED = "things by name"


def rfc7396(target: Any, patch: Any) -> Any:
    """MergePatch(Target, Patch), section 2."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict):
        target = {}
    target = dict(target)
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = rfc7396(target.get(name), value)
    return target


def by_name(value: Any) -> Any:
    """Lists of named things as maps."""
    if isinstance(value, dict):
        return {key: by_name(child) for key, child in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {NAMED: {item["name"]: by_name(item) for item in value}}
    return value


def as_lists(value: Any) -> Any:
    if isinstance(value, dict) and NAMED in value:
        return [as_lists(item) for item in value[NAMED].values()]
    return {key: as_lists(child) for key, child in value.items()} if isinstance(value, dict) else value


def expected(*layers: Any) -> Any:
    return as_lists(reduce(rfc7396, map(by_name, layers), {}))


PATCHES = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys("ab", st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2) | PATCHES),
            "things": st.none() | st.dictionaries(NAMES, PATCHES, max_size=3).map(things),
        },
    )
)
"""Layers in which what stands under `things` is a list of named things wherever it stands."""


def things(by_name: dict[str, Any]) -> list[Any]:
    return [{"name": name, **rest} for name, rest in by_name.items()]


def sorted_by_name(value: Any) -> Any:
    """Without the order of named things, which has a test of its own."""
    if isinstance(value, dict):
        return {key: sorted_by_name(child) for key, child in value.items()}
    if isinstance(value, list):
        return sorted((sorted_by_name(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


@given(st.lists(PATCHES, min_size=1, max_size=5))
def test_layers_are_merge_patches(layers: list[Any]) -> None:
    assert sorted_by_name(over(*layers)) == sorted_by_name(expected(*layers))


@settings(max_examples=30)
@given(PATCHES, PATCHES, PATCHES)
def test_files_are_laid_over_each_other_in_their_order(low: Any, middle: Any, high: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Pulumi.yaml").write_text("name: risk\n")
        (folder / "low.yaml").write_text(json.dumps(low))
        (folder / "middle.yaml").write_text(json.dumps(middle))
        estate = {"extends": ["low.yaml", "middle.yaml"], **high}
        (folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": {"risk:estate": estate}}))
        assert sorted_by_name(plain(assemble(folder, "dev"))) == sorted_by_name(expected(low, middle, high))


@given(LAYERS)
def test_an_empty_layer_changes_nothing(layer: Any) -> None:
    assert over(layer, {}) == over(layer) == over({}, layer)


@given(LAYERS, LAYERS)
def test_every_leaf_of_the_last_layer_is_there(low: Any, high: Any) -> None:
    assert leaves(by_name(plain(node(high)))) <= leaves(by_name(over(low, high)))


def leaves(value: Any, at: tuple[str, ...] = ()) -> set[tuple[tuple[str, ...], str]]:
    """Path and text of everything that has no parts; a map without entries says nothing over another."""
    if isinstance(value, dict):
        return {leaf for key, child in value.items() for leaf in leaves(child, (*at, key))}
    return {(at, json.dumps(value))}


@given(named(st.integers()), named(st.integers()))
def test_named_things_keep_their_order_and_new_ones_follow(low: list[Any], high: list[Any]) -> None:
    merged = [item["name"] for item in over({"x": low}, {"x": high})["x"]]
    either = [item["name"] for item in [*low, *high]]
    assert merged == (list(dict.fromkeys(either)) if high else [])


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
