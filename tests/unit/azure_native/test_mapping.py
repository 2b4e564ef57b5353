"""Bodies, outputs and inputs of every row, from whatever inputs its types allow."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azml.facts import arm_types
from azml_local.azure_native import mapping, nodes, table
from azml_local.azure_native.nodes import Node
from azml_local.azure_native.table import Row
from azml_local.stand_in.values import UNKNOWN, from_struct, to_struct

TEXT = st.text("ab", min_size=1, max_size=2)


def values(node: Node, depth: int) -> st.SearchStrategy[Any]:
    """Inputs of the kind that belongs here; nothing empty, as an import leaves that out."""
    if node.is_set_of_strings:
        return st.lists(TEXT, min_size=1, max_size=2, unique=True).map(sorted)
    if node.kind in ("arr", "map") and node.item is not None:
        inner = values(node.item, depth - 1)
        size = {"min_size": 1, "max_size": 2}
        return st.lists(inner, **size) if node.kind == "arr" else st.dictionaries(TEXT, inner, **size)
    if node.kind == "obj":
        return inputs(node, depth)
    if node.kind == "disc":
        name = node.discriminator.name
        return st.one_of(
            [
                inputs(shape, depth).map(lambda made, tag=tag: {**made, name: tag})
                for tag, shape in node.variants.items()
            ]
        )
    if node.kind == "enum":
        return st.sampled_from(node.shape.facts["v"])
    return {"bool": st.booleans(), "int": st.integers(1, 9), "num": st.sampled_from([0.5, 2.25])}.get(node.kind, TEXT)


def inputs(node: Node, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the inputs of an object that can be read back, at least one."""
    readable = sorted(node.inputs.keys() & node.outputs.keys())
    simple = [name for name in readable if node.inputs[name].node.kind not in ("obj", "disc", "arr", "map")]
    names = readable if depth > 0 or not simple else simple
    chosen = st.lists(st.sampled_from(names), min_size=1, max_size=5, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({n: values(node.inputs[n].node, depth - 1) for n in names})
    )


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_body_is_one_that_arm_knows_and_leads_back_to_its_inputs(row: Row, data: st.DataObject) -> None:
    """Every input lands where ARM's type has it, and an import of what was sent gives the inputs."""
    node = nodes.body(row)
    made = data.draw(inputs(node, 3))
    body = mapping.to_body(node, made)
    problems = arm_types.resource(row.type, row.version).problems(body)
    assert [problem for problem in problems if problem.code in ("unknown", "type", "case", "read-only")] == []
    assert mapping.to_inputs(node, body) == made
    outputs = mapping.to_outputs(node, body)
    assert mapping.project(node, outputs) == made
    assert mapping.to_body(node, {**made, "nonsense": 1}) == body
    assert from_struct(to_struct(made)) == made


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_a_preview_of_nothing_is_all_unknown(row: Row) -> None:
    assert set(mapping.preview(nodes.body(row), {}).values()) == {UNKNOWN}


def test_what_is_only_written_is_sent_and_not_expected_back() -> None:
    node = nodes.body(table.resource("azure-native:keyvault:Vault"))
    body = mapping.to_body(node, {"properties": {"createMode": "recover", "tenantId": "t"}})
    assert body == {"properties": {"createMode": "recover", "tenantId": "t"}}
    assert mapping.to_outputs(node, body) == {"properties": {"tenantId": "t"}}


def test_a_required_container_is_sent_even_if_empty() -> None:
    """`properties` of a role assignment is required of the body and not of the SDK."""
    assert mapping.to_body(nodes.body(table.resource("azure-native:authorization:RoleAssignment")), {}) == {
        "properties": {}
    }


def test_a_secret_is_unwrapped_and_a_null_left_out() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": {"a": [1, None, 2.5]}}
    struct = to_struct({"s": secret, "u": [UNKNOWN], "n": None})
    assert from_struct(struct) == {"s": {"a": [1, None, 2.5]}, "u": [UNKNOWN]}
