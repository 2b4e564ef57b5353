"""The table against the classes of the typed SDK: every name, at every depth, in both directions."""

import importlib
import inspect
import re
import sys
from ast import literal_eval
from collections.abc import Iterator
from typing import Any

import pytest

from azml_local.azure_native import naming, nodes, table
from azml_local.azure_native.nodes import Direction, Node
from azml_local.azure_native.table import Row

_NOT_PROPERTIES = {"urn", "pulumi_resource_name", "pulumi_resource_type", "azureApiVersion"}


def _sdk_class(row: Row, direction: Direction) -> type:
    module, _, name = row.token.partition(":")
    loaded = importlib.import_module(f"pulumi_azure_native.{module}")
    if direction == "output":
        return getattr(loaded, name)
    return getattr(loaded, f"{name}InitArgs", None) or getattr(loaded, f"{name}Args")


def _members(class_: type) -> dict[str, str]:
    """Names on the wire and the written types of a class of the typed SDK."""
    found = inspect.getmembers(class_, lambda member: isinstance(member, property))
    return {
        getattr(member.fget, "_pulumi_name", None) or python: repr(member.fget.__annotations__.get("return"))
        for python, member in found
    }


def _classes(class_: type, written: str) -> Iterator[type]:
    module = sys.modules[class_.__module__]
    places = (module, getattr(module, "_inputs", None), getattr(module, "outputs", None))
    for name in re.findall(r"(\w+(?:Args|Response))\b", written):
        yield next(getattr(place, name) for place in places if place is not None and hasattr(place, name))


def _compare(class_: type, node: Node, direction: Direction, at: str, seen: set[tuple[type, str]]) -> Iterator[str]:
    """Tell each name that only one side has, and each list of strings that only one side sees as such."""
    if (class_, at) in seen:
        return
    seen.add((class_, at))
    sdk, ours = _members(class_), node.fields(direction)
    yield from (f"{at}{name}: only in {class_.__name__}" for name in sdk.keys() - ours.keys() - _NOT_PROPERTIES)
    yield from (f"{at}{name}: not in {class_.__name__}" for name in ours.keys() - sdk.keys() - {"id"})
    for name in sdk.keys() & ours.keys():
        inner = ours[name].node
        strings = "Sequence[" in sdk[name] and not list(_classes(class_, sdk[name]))
        if direction == "input" and inner.kind == "map":
            assert strings == inner.is_set_of_strings, f"{at}{name}"
        while inner.item is not None and inner.kind in ("arr", "map"):
            inner = inner.item
        for found in _classes(class_, sdk[name]):
            yield from _compare_variants(found, inner, direction, f"{at}{name}.", seen)


def _compare_variants(class_: type, node: Node, direction: Direction, at: str, seen: Any) -> Iterator[str]:
    """A union's class is compared with the variant that fits it best: it names its discriminator in prose only."""
    variants = list(node.variants.values()) or [node]
    yield from min((list(_compare(class_, variant, direction, at, set(seen))) for variant in variants), key=len)


_OF_ANOTHER_RESOURCE = {
    "containerinstance:ContainerGroup": {
        "volumes.secretReference: only in VolumeArgs",
        "volumes.azureFile.storageAccountKeyReference: only in AzureFileVolumeArgs",
        "containers.environmentVariables.secureValueReference: only in EnvironmentVariableArgs",
        "initContainers.environmentVariables.secureValueReference: only in EnvironmentVariableArgs",
        "imageRegistryCredentials.passwordReference: only in ImageRegistryCredentialArgs",
    },
}
"""Arguments of classes that the SDK shares with a resource of a newer API version (CGProfile, of 2024-11-01-preview):
ARM's type of the row's version does not have them."""


@pytest.mark.parametrize("direction", ["input", "output"])
@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_the_sdk_and_the_mapping_know_the_same_names(row: Row, direction: Direction) -> None:
    """The rule, and the row's data where the rule does not fit, give exactly the SDK's names."""
    found = set(_compare(_sdk_class(row, direction), nodes.body(row), direction, "", set()))
    in_path = {f"{name}: only in {_sdk_class(row, direction).__name__}" for name in naming.parameters(row)}
    shared = _OF_ANOTHER_RESOURCE.get(row.token, set()) if direction == "input" else set()
    assert found - in_path == shared


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_path_parameters_are_the_arguments_that_are_not_in_the_body(row: Row) -> None:
    """`scope` of a role assignment is in both: ARM answers with it."""
    arguments = set(_members(_sdk_class(row, "input")))
    assert arguments - set(nodes.body(row).inputs) == set(naming.parameters(row))


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_a_name_may_be_left_out_exactly_where_the_sdk_lets_one(row: Row) -> None:
    """The last part of the path is named by the provider; what is before it must be given."""
    required = inspect.signature(_sdk_class(row, "input").__init__).parameters
    given = {name for name, known in required.items() if known.default is inspect.Parameter.empty}
    *outer, own = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in naming.parameters(row)]
    assert own not in given
    assert set(outer) <= given


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_the_version_is_the_one_the_sdk_uses(row: Row) -> None:
    documented = inspect.getsource(_sdk_class(row, "output"))
    assert f"Uses Azure REST API version {row.version}." in documented


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_what_a_row_names_exists(row: Row) -> None:
    """A row cannot talk about an input that is not there."""
    known = nodes.body(row).inputs
    assert {name.partition(".")[0] for name in row.create_only} <= set(known)
    assert set(row.defaults) <= set(known)
    for path in row.sub_resources:
        assert nodes.sdk_path(nodes.body(row), path)


def test_one_api_version_of_a_resource_is_the_same_row_in_that_version() -> None:
    default = table.resource("azure-native:storage:StorageAccount")
    older = table.resource("azure-native:storage/v20230101:StorageAccount")
    assert (default.version, older.version) == ("2024-01-01", "2023-01-01")
    assert older.path == default.path
    preview = table.resource("azure-native:containerregistry/v20230101preview:Registry")
    assert preview.version == "2023-01-01-preview"
    assert nodes.body(older).inputs.keys() == nodes.body(default).inputs.keys()


@pytest.mark.parametrize("token", ["azure-native:web:WebApp", "aws:s3:Bucket", "azure-native:storage:Blob", "nonsense"])
def test_other_tokens_are_refused_by_name(token: str) -> None:
    with pytest.raises(table.NotEmulated, match=f"azure-native stand-in does not emulate {token}"):
        table.resource(token)


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.token)
def test_what_absence_means_is_what_the_sdk_says_for_the_program(row: Row) -> None:
    """The SDK sends the API's defaults of its own; the provider knows those that ARM calls by the same name."""
    written = inspect.getsource(_sdk_class(row, "output")._internal_init)  # type: ignore[attr-defined]
    constants = re.findall(r"if (\w+) is None:\n\s+\1 = (.+)", written)
    found = {
        re.sub(r"_(\w)", lambda match: match.group(1).upper(), name): literal_eval(value) for name, value in constants
    }
    same = {name for name, field in nodes.body(row).inputs.items() if field.path[-1] == name}
    assert row.presets == {name: value for name, value in found.items() if name in same}
