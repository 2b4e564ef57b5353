"""The life of a resource: check, create, read, update, delete, as azure-native does them.

Owns the order of requests and what state keeps. Deliberately knows neither the wire to the engine (`servicer`) nor HTTP
(`arm`), and of single resources only what their row says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azml_local.azure_native import changes, mapping, naming, nodes
from azml_local.azure_native.account import Account
from azml_local.azure_native.arm import Limit
from azml_local.azure_native.changes import VERSION
from azml_local.azure_native.errors import ArmError, OperationFailed, TimedOut
from azml_local.azure_native.table import Row
from azml_local.stand_in.errors import NotFinished, Refused


@dataclass(frozen=True)
class Found:
    """What a write or a read leaves in state. `warning` is for the user."""

    id: str
    outputs: Mapping[str, Any]
    inputs: Mapping[str, Any]
    warning: str | None = None


def complete(account: Account, row: Row, inputs: dict[str, Any], old: Mapping[str, Any], limit: Limit) -> None:
    """Put in defaults: location and API version."""
    if "location" not in inputs and "location" in nodes.body(row).inputs:
        location = old.get("location") or account.location or account.location_of_group(inputs, limit)
        if location is not None:
            inputs["location"] = location
    inputs.setdefault(VERSION, row.version)


def create(account: Account, row: Row, inputs: Mapping[str, Any], limit: Limit) -> Found:
    """Make a resource that is not there yet. Raises `Refused`, `NotFinished`."""
    id_ = naming.resource_id(row, inputs, account.subscription_id)
    node = nodes.body(row)
    body = mapping.to_body(node, inputs)
    _refuse_existing(account, row, id_, limit)
    for path in row.sub_resources:
        if _at(body, path) is None:
            _set(body, path, [])
    return _written(account, row, id_, inputs, ("PUT", body), "Create", limit)


def update(
    account: Account,
    row: Row,
    inputs: Mapping[str, Any],
    old: Mapping[str, Any],
    state: Mapping[str, Any],
    limit: Limit,
) -> Found:
    """Write the whole body made from inputs; lists of sub-resources that inputs do not set are kept as they are."""
    inputs = {**{name: value for name, value in row.defaults.items() if name in state}, **inputs}
    id_ = naming.resource_id(row, inputs, account.subscription_id)
    node = nodes.body(row)
    body = mapping.to_body(node, inputs)
    removed = mapping.removed_strings(node, old, inputs)
    for path, value in removed:
        _set(body, path, value)
    _keep_sub_resources(account, row, id_, body, limit)
    # A name that left a set of strings is told as null, which Azure takes in a PATCH only.
    return _written(account, row, id_, inputs, ("PATCH" if removed else "PUT", body), "Update", limit)


def read(
    account: Account, row: Row, id_: str, inputs: Mapping[str, Any] | None, state: Mapping[str, Any], limit: Limit
) -> Found | None:
    """Read what is there, None where it is gone.

    Without inputs (an import) they are made from the id and the answer. With inputs, only what changed between the old
    and the new outputs goes into them: what Azure filled in from the start never becomes an input.
    """
    try:
        answer = account.arm.get(id_, row.version, limit)
    except ArmError as error:
        if error.is_not_found:
            return None
        raise
    node = nodes.body(row)
    outputs = {**mapping.to_outputs(node, answer), VERSION: row.version}
    if inputs is None:
        return Found(id_, outputs, {**naming.from_id(row, id_), **mapping.to_inputs(node, answer)})
    before = {
        name: value
        for name, value in state.items()
        if not (name in row.defaults and name in inputs and value == row.defaults[name])
    }
    after = dict(outputs)
    for path in (nodes.sdk_path(node, path) for path in row.sub_resources):
        if _at(inputs, path) is None:
            after = _without(after, path)
    carried = changes.carried(inputs, mapping.project(node, before), mapping.project(node, after))
    return Found(id_, outputs, carried)


def delete(account: Account, row: Row, id_: str, limit: Limit) -> None:
    """Delete, or set back to its defaults what always exists."""
    if not row.singleton:
        account.arm.delete(id_, row.version, limit)
    elif row.default_body is not None:
        account.arm.write("PUT", id_, row.version, mapping.to_body(nodes.body(row), row.default_body), limit)


def _refuse_existing(account: Account, row: Row, id_: str, limit: Limit) -> None:
    answer = account.arm.peek(id_, row.version, limit)
    there = answer.json if answer.status == 200 and isinstance(answer.json, dict) else {}
    if answer.status not in (200, 204, 404):
        raise Refused(f"cannot check existence of resource '{id_}': status code {answer.status}, {answer.text}")
    if not there or row.singleton:
        return
    if row.default_body is None:
        raise Refused(f"cannot create already existing resource '{id_}'")
    outputs = mapping.to_outputs(nodes.body(row), there)
    if any(outputs.get(name) != value for name, value in row.default_body.items()):
        raise Refused(f"cannot create already existing subresource '{id_}'")


def _keep_sub_resources(account: Account, row: Row, id_: str, body: dict[str, Any], limit: Limit) -> None:
    missing = [path for path in row.sub_resources if _at(body, path) is None]
    if missing:
        live = account.arm.get(id_, row.version, limit)
        for path in missing:
            if (value := _at(live, path)) is not None:
                _set(body, path, value)


def _written(
    account: Account,
    row: Row,
    id_: str,
    inputs: Mapping[str, Any],
    request: tuple[Any, Mapping[str, Any]],
    step: str,
    limit: Limit,
) -> Found:
    """Write, then read: what the GET answers is what state keeps."""
    node, version = nodes.body(row), {VERSION: row.version}
    try:
        answer = account.arm.write(request[0], id_, row.version, request[1], limit)
    except OperationFailed as error:
        try:
            outputs = {**mapping.to_outputs(node, account.arm.get(id_, row.version, limit)), **version}
        except TimedOut as unread:
            raise NotFinished(id_, str(unread), None) from error
        except Refused as unread:
            raise NotFinished(id_, f"resource created but read failed {unread}: {error}", None) from error
        raise NotFinished(id_, str(error), outputs) from error
    id_ = str(answer.get("id") or id_)
    warning = None
    try:
        answer = account.arm.get(id_, row.version, limit)
    except Refused as error:
        warning = f"Failed to read resource after {step}: {error}"
    return Found(id_, {**mapping.to_outputs(node, answer), **version}, inputs, warning)


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        values = values.get(step) if isinstance(values, Mapping) else None
    return values


def _set(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        values = values.setdefault(step, {})
    values[path[-1]] = value


def _without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """A copy that has nothing at the path."""
    first, *rest = path
    if first not in values:
        return values
    if not rest:
        return {key: value for key, value in values.items() if key != first}
    inner = values[first]
    return {**values, first: _without(inner, tuple(rest))} if isinstance(inner, dict) else values
