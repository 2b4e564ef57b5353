"""Diff: what is built and pushed again, and what is not."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as wire

from tests.support.behaviours import behaves
from tests.support.provider_client import UNKNOWN, Client

IMAGE = "docker:index/image:Image"
OLD: dict[str, Any] = {
    "imageName": "h.io/a:1",
    "build": {"context": "ctx", "dockerfile": "ctx/Dockerfile", "platform": "linux/amd64", "contextDigest": "aa"},
    "registry": {"server": "h.io", "username": "u", "password": "p"},
    "buildOnPreview": False,
}


def diff(client: Client, new: dict[str, Any]) -> dict[str, int]:
    answer = client.diff(IMAGE, {"imageName": "not looked at"}, new, {"__inputs": OLD, "imageName": "not looked at"})
    assert list(answer.replaces) == []
    assert not answer.deleteBeforeReplace
    some = answer.changes == wire.DiffResponse.DIFF_SOME
    assert some is bool(answer.detailedDiff)
    assert some is answer.hasDetailedDiff
    return {place: change.kind for place, change in answer.detailedDiff.items()}


@behaves("Diff", "provider.go: Diff")
def test_inputs_are_compared_with_those_that_state_keeps(client: Client) -> None:
    """New inputs are compared with those that state keeps as `__inputs`; equal ones are no change"""
    assert diff(client, OLD) == {}


@behaves("Diff", "provider.go: diffUpdates")
@pytest.mark.parametrize(
    "changed",
    [
        {"imageName": "h.io/a:2"},
        {"build": {**OLD["build"], "contextDigest": "bb"}},
        {"build": {**OLD["build"], "platform": "linux/arm64"}},
        {"build": {**OLD["build"], "context": "/elsewhere/ctx"}},
        {"registry": {**OLD["registry"], "server": "other.io"}},
        {"buildOnPreview": True},
    ],
)
def test_any_change_updates_in_place(client: Client, changed: dict[str, Any]) -> None:
    """Any changed input is an update in place, told at the top level; nothing ever replaces"""
    assert diff(client, OLD | changed) == {next(iter(changed)): wire.PropertyDiff.UPDATE}


@behaves("Diff", "provider.go: Diff")
def test_inputs_that_come_and_go_are_changes(client: Client) -> None:
    """An input that is new or gone is a change"""
    without = {key: value for key, value in OLD.items() if key != "registry"}
    assert diff(client, without) == {"registry": wire.PropertyDiff.DELETE}
    assert diff(client, OLD | {"skipPush": False}) == {"skipPush": wire.PropertyDiff.ADD}


@behaves("Diff", "provider.go: diffUpdates")
@pytest.mark.parametrize("name", ["username", "password"])
@pytest.mark.parametrize("value", ["other", UNKNOWN])
def test_credentials_are_no_change(client: Client, name: str, value: Any) -> None:
    """Of `registry` only a changed `server` counts: user name and password may change, and be unknown"""
    assert diff(client, OLD | {"registry": {**OLD["registry"], name: value}}) == {}
