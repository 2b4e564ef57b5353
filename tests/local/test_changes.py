"""What `azml preview` says of each class of change, on the real engine against the local Azure.

The table `changes/table.yaml`, written by hand, says what; this file plays it. One estate for all of it, never changed:
only its program is.
"""

import json
import re
from typing import Any

import pytest

from tests.support.changes import TABLE, TOKEN, Estate
from tests.support.clone import ROOT, Clone
from tests.support.demo_preview import SAMPLE
from tests.support.documents import commands

pytestmark = pytest.mark.engine

CLASSES = {
    "model", "code", "environment", "size", "count", "traffic", "gates", "auth", "network", "identity", "tags",
    "rename", "delete", "endpoint replace", "workspace replace", "several at once", "no change",
}  # fmt: skip
NEVER_THERE = {"azml:index:NameClaim"}
"""What an estate in a group of its own has not; a row makes it."""
_WILD = {"#": "[0-9A-Za-z-]+", "<url>": r"https?://\S+"}


@pytest.fixture(name="estate", scope="module")
def _estate(clone: Clone) -> Estate:
    return Estate.make(clone)


@pytest.fixture(name="changed_types", scope="module")
def _changed_types() -> set[str]:
    """Types of the resources that rows change, gathered on the way."""
    return set()


@pytest.fixture(name="comments", scope="module")
def _comments() -> dict[str, str]:
    """The comments that were made, by what changed, gathered on the way."""
    return {}


def rounds() -> list[list[dict[str, Any]]]:
    """The rows, those about different subjects together in one preview. What changes everything stands alone."""
    found: list[list[dict[str, Any]]] = []
    for row in TABLE:
        room = (each for each in found if row["expect"] and not _subjects(row) & set().union(*map(_subjects, each)))
        together = next((each for each in room if all(other["expect"] for other in each)), None)
        if together is None:
            found.append([row])
        else:
            together.append(row)
    return found


def _subjects(row: dict[str, Any]) -> set[str]:
    return {one["of"] for one in row["expect"]}


def _together(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One change of several: what each sets, unsets and appends."""
    maps = {key: {k: v for row in rows for k, v in row.get(key, {}).items()} for key in ("append", "set", "secret")}
    return {**maps, "unset": [path for row in rows for path in row.get("unset", [])]}


def spoken(one: dict[str, Any]) -> list[str]:
    """A subject's words, one after the other."""
    lost = [f"lost {text}" for text in one.get("lost", [])]
    return [f"{one['of']}: {one['downtime']}", *lost, *one["lines"], f"back {one['way_back']}"]


def _pattern(text: str) -> str:
    return "".join(_WILD.get(part, re.escape(part)) for part in re.split(r"(#|<url>)", text))


def _id(rows: list[dict[str, Any]]) -> str:
    return " + ".join(f"{row['class']}: {row['what']}" for row in rows)


@pytest.mark.parametrize("rows", rounds(), ids=_id)
def test_exactly_the_expected_is_said(
    estate: Estate, rows: list[dict[str, Any]], changed_types: set[str], comments: dict[str, str]
) -> None:
    change = _together(rows)
    done, comment = estate.previewed(change)
    comments[_id(rows)] = comment
    (report,) = json.loads(done.stdout)["stacks"]
    changed_types |= {changed["type"] for one in report["subjects"] for changed in one["resources"]}
    assert [one["of"] for one in report["subjects"]] == _in_order(rows)
    said = {one["of"]: spoken(one) for one in report["subjects"]}
    for one in (one for row in rows for one in row["expect"]):
        assert len(said[one["of"]]) == len(spoken(one)), "\n".join(said[one["of"]])
        for text, wanted in zip(said[one["of"]], spoken(one), strict=True):
            assert re.fullmatch(_pattern(wanted), text), f"{text!r} is not {wanted!r}"
    assert comment.startswith("<!-- azml-preview: serving -->\n")
    for secret in (TOKEN, *change["secret"].values()):
        assert secret not in done.stdout + done.stderr + comment


def _in_order(rows: list[dict[str, Any]]) -> list[str]:
    """Subjects of one row as it has them; of several: what is lost first, then by downtime, then by name."""
    listed = [one for row in rows for one in row["expect"]]
    if len(rows) == 1:
        return [one["of"] for one in listed]
    worst = ["outage", "brief", "none"]
    listed.sort(key=lambda one: ("lost" not in one, worst.index(one["downtime"]), one["of"]))
    return [one["of"] for one in listed]


def test_every_type_is_changed(estate: Estate, changed_types: set[str]) -> None:
    """By the rows together; the stack's own types and none of the engine's."""
    there = {one["type"] for one in estate.clone.state if one["custom"] and not one["type"].startswith("pulumi:")}
    assert changed_types == there | NEVER_THERE


def test_nothing_is_said_after_a_refresh(estate: Estate) -> None:
    estate.pulumi("refresh", "--yes", "--skip-preview")
    done = estate.clone.azml("preview", "--fail-on", "outage,stateful-delete")
    assert (done.returncode, done.stdout) == (0, "local: nothing changes\n")


def test_what_is_refused_stays_readable(estate: Estate) -> None:
    """What is wrong with the program, and what a resource refuses: in their own words."""
    with estate.changed({"set": {"online_endpoints.1.deployments.0.instance_type": "Standard_DS3_v2"}}):
        refused = estate.clone.azml("preview")
    with estate.changed({"set": {"online_endpoints.1.traffic": {"blue": 70}}}):
        wrong = estate.clone.azml("preview", "--json")
    assert (refused.returncode, wrong.returncode) == (1, 1)
    assert "The instance type of deployment blue cannot change in place" in refused.stdout
    assert "Use release: auto" in refused.stdout
    (report,) = json.loads(wrong.stdout)["stacks"]
    (said,) = [remark["text"] for remark in report["remarks"]]
    assert re.search(r"Pulumi\.local\.yaml:\d+:\d+: online_endpoints\.split\.traffic: ", said)
    for done in (refused, wrong):
        assert "Traceback" not in done.stdout + done.stderr


def test_exit_codes(estate: Estate) -> None:
    """3 is --fail-on's own; a policy that refuses is found though the engine calls that a failure."""
    rename = {"set": {"online_endpoints.1.name": "churn", "stage": "prod"}}
    with estate.changed(rename):
        done = estate.clone.azml("preview", "--fail-on", "outage,stateful-delete,policy", "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "--fail-on: outage in local, stateful-delete in local, policy in local" in done.stderr
    (report,) = json.loads(done.stdout)["stacks"]
    refused = {finding["policy"] for finding in report["findings"] if finding["refuses"]}
    assert {"key-auth", "one-step-in-prod"} <= refused
    assert estate.clone.azml("preview", "--fail-on", "outtage").returncode == 2


def test_the_comment_in_the_readme_is_one_that_was_made(comments: dict[str, str]) -> None:
    """Line by line; hashes, which are other ones elsewhere, aside."""
    (shown,) = [command.output for command in commands(ROOT / "README.md") if command.text == "make demo-preview"]
    assert _without_hashes(shown).rstrip() == _without_hashes(comments[_id([SAMPLE])]).rstrip()


def _without_hashes(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{12}\b|(?<=-)[0-9a-f]{8}\b", "#", text)


def test_the_table_has_every_class() -> None:
    assert {row["class"] for row in TABLE} == CLASSES
