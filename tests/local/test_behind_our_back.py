"""What others change in Azure: seen exactly by `refresh` and `preview`, and taken back by `up`, on the real engine.

The table `behind_our_back.yaml` says what each command must say; this file plays it. One estate for all of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.clone import Clone
from tests.support.events import Told, Verdicts, pulumi
from tests.support.third_party import ThirdParty, at, third_party

pytestmark = pytest.mark.engine

ROUNDS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("behind_our_back.yaml").read_text())
COMMANDS = ("preview", "refresh", "next", "up")
ML = "2025-12-01"
"""API version of what azml's own resources are in Azure."""
ESTATE = """
config:
  serving:estate:
    extends: [layers/base.yaml]
    stage: dev
    workspace:
      name: mlw-diabetes-local
    online_endpoints:
      - file: ../samples/diabetes/endpoint.yml
        deployments: [{file: ../samples/diabetes/deployment.yml}]
      - file: ../samples/diabetes/endpoint.yml
        name: spare
        deployments: [{file: ../samples/diabetes/deployment.yml}]
"""


@dataclass
class Estate:
    """A deployed estate and somebody else who changes it."""

    clone: Clone
    others: ThirdParty

    @property
    def resources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What is in state and in Azure, by type and name."""
        return {
            (found["type"], found["urn"].rpartition("::")[2]): found
            for found in self.clone.state
            if found["custom"] and not found["type"].startswith("pulumi:")
        }

    def find(self, whose: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The resources that a row is about, at least one."""
        found = [key for key in self.resources if key[0] == whose["of"] and fnmatch(key[1], whose.get("name", "*"))]
        assert found, f"the table names what is not there: {whose}"
        return found

    def place(self, key: tuple[str, str]) -> tuple[str, str]:
        """ARM id and API version."""
        found = self.resources[key]
        return found["id"], found["outputs"].get("azureApiVersion", ML)


@dataclass
class Played:
    """A round: what the commands should have said and what they said, and what `up` did not take back."""

    expected: dict[str, Verdicts]
    remarks: dict[tuple[str, str], str]
    told: dict[str, Told] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@pytest.fixture(name="estate", scope="module")
def _estate(clone: Clone) -> Iterator[Estate]:
    file = clone.root / "stacks/Pulumi.local.yaml"
    salt = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt:")]
    file.write_text("\n".join([ESTATE, *salt, ""]))
    done = clone.azml("up", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    with third_party(clone.server) as others:
        yield Estate(clone, others)


@pytest.fixture(name="played", scope="module", params=ROUNDS, ids=lambda round_: round_["round"])
def _played(request: pytest.FixtureRequest, estate: Estate) -> Played:
    """Play a round: change, look with every command, bring back."""
    changes, clone = request.param["changes"], estate.clone
    rows = [*changes, *(also for change in changes for also in change.get("also", []))]
    remarks = {key: row["says"] for row in rows if "says" in row for key in estate.find(row)}
    played = Played({command: _expected(estate, rows, command) for command in COMMANDS}, remarks)
    targets = [estate.find(change.get("ask", change))[0] for change in changes]
    before = {key: estate.others.get(*estate.place(key)) for key in targets}
    _make(estate, changes, targets)
    played.told["preview"] = pulumi(clone, "preview")
    played.told["next"] = pulumi(clone, "preview", "--refresh")
    played.told["refresh"] = pulumi(clone, "refresh", "--yes", "--skip-preview")
    played.told["up"] = pulumi(clone, "up", "--yes", "--skip-preview")
    for change, key in zip(changes, targets, strict=True):
        played.wrong += _not_back(change, before[key], estate.others.get(*estate.place(key)))
    return played


def _make(estate: Estate, changes: list[dict[str, Any]], targets: list[tuple[str, str]]) -> None:
    """All changes to one resource in one request, as far as they are of one kind."""
    places = {key: estate.place(key) for key in targets}
    for key, place in places.items():
        here = [change for change, target in zip(changes, targets, strict=True) if target == key]
        sets = {path: value for change in here for path, value in change.get("set", {}).items()}
        unsets = [path for change in here for path in change.get("unset", [])]
        if sets or unsets:
            estate.others.change(*place, sets, unsets)
        for change in here:
            if "patch" in change:
                estate.others.send("PATCH", *place, change["patch"])
            if change.get("delete"):
                estate.others.send("DELETE", *place)


def _not_back(change: Mapping[str, Any], before: Any, now: Any) -> Iterator[str]:
    """Places that are neither as before nor, where others may have their way, as they made them."""
    made = {**change.get("set", {}), **dict.fromkeys(change.get("unset", []))}
    made |= {"sku.capacity": change["patch"]["sku"]["capacity"]} if "patch" in change else {}
    for path, value in made.items():
        expected = value if change.get("stays") else at(before, path)
        if at(now, path) != expected:
            yield f"{change['of']}: {path} is {at(now, path)!r}, not {expected!r}"


def _expected(estate: Estate, rows: list[dict[str, Any]], command: str) -> Verdicts:
    """What the table says of a command; several rows about one resource are one verdict."""
    found: dict[tuple[str, str], set[str]] = {}
    operations: dict[tuple[str, str], str] = {}
    for row in rows:
        operation, *paths = row.get(command, row.get("next", "nothing") if command == "up" else "nothing").split()
        for key in estate.find(row) if operation != "nothing" else []:
            both = {operation, operations.get(key, operation)}
            assert len(both) == 1 or both == {"update", "replace"}, f"the table contradicts itself: {row}"
            operations[key] = min(both)  # a resource that is replaced is not updated
            found.setdefault(key, set()).update(paths)
    return {key: " ".join([operations[key], *sorted(paths)]) for key, paths in found.items()}


def test_the_table_covers_every_type(estate: Estate) -> None:
    """Each type of the sample is changed, not only affected."""
    assert {change["of"] for round_ in ROUNDS for change in round_["changes"]} == {key[0] for key in estate.resources}


def test_nothing_is_shown_on_an_unchanged_estate(estate: Estate) -> None:
    assert pulumi(estate.clone, "preview") == Told()
    assert pulumi(estate.clone, "preview", "--refresh") == Told()


@pytest.mark.parametrize("command", COMMANDS)
def test_exactly_the_changes_are_shown(played: Played, command: str) -> None:
    assert played.told[command].verdicts == played.expected[command]


def test_a_preview_says_why(played: Played) -> None:
    told = played.told["preview"]
    assert {key for key, remark in played.remarks.items() if remark not in told.remarks.get(key, "")} == set()
    assert told.remarks.keys() == told.verdicts.keys()


def test_up_after_refresh_brings_the_estate_back(played: Played) -> None:
    assert played.wrong == []


def test_nothing_is_shown_when_all_is_back(estate: Estate) -> None:
    assert pulumi(estate.clone, "preview", "--refresh") == Told()
