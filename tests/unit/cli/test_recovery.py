"""What an interrupted run left: locks by their process, operations by the engine's own words, and the edited state.

Shapes are those that the engine 3.259 wrote in a run that was killed.
"""

import json
import os
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from azml.resources.arm import Arm
from azml.resources.work import Work
from azml_cli.recovery import checkpoint, locks, repair
from azml_cli.recovery.interrupted import Doing, Interrupted, Journal, pending
from azml_cli.recovery.state import INTERRUPTED, State
from azml_cli.recovery.verdict import Verdict, judge

GROUP = "urn:pulumi:local::serving::azure-native:resources:ResourceGroup::rg"
VAULT = "urn:pulumi:local::serving::azure-native:keyvault:Vault::kv"


def lock(backend: Path, pid: int, since: float, host: str | None = None) -> Path:
    folder = backend / ".pulumi/locks/organization/serving/local"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{pid}.json"
    said = {"pid": pid, "username": "me", "hostname": host or socket.gethostname()}
    stamp = datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "123Z")  # Go writes nanoseconds
    file.write_text(json.dumps({**said, "timestamp": stamp}))
    file.with_name(f"{file.name}.attrs").write_text("{}")
    return file


def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


class TestLocks:
    def test_of_a_process_that_is_gone(self, tmp_path: Path) -> None:
        file = lock(tmp_path, gone(), time.time())
        (step,), _ = repair.release(repair.Backend(tmp_path, "serving"), "local")
        assert "released" in str(step)
        assert list(file.parent.iterdir()) == []

    def test_of_a_number_that_another_process_has_now(self, tmp_path: Path) -> None:
        lock(tmp_path, os.getpid(), since=time.time() - 1e6)
        (found,) = locks.of_stack(tmp_path, "serving", "local")
        assert found.is_stale

    def test_of_a_process_that_runs_it_stays(self, tmp_path: Path) -> None:
        file = lock(tmp_path, os.getpid(), time.time())
        with pytest.raises(repair.Undecided, match=rf"process {os.getpid()} .*still runs"):
            repair.release(repair.Backend(tmp_path, "serving"), "local")
        assert file.exists()

    def test_of_another_machine_it_stays(self, tmp_path: Path) -> None:
        file = lock(tmp_path, gone(), time.time(), host="elsewhere")
        with pytest.raises(repair.Undecided, match="pulumi cancel --stack local"):
            repair.release(repair.Backend(tmp_path, "serving"), "local")
        assert file.exists()

    def test_of_a_container_that_was_ours(self, tmp_path: Path) -> None:
        """The project's own lock says that nobody else is at work on its local stack, whatever hosts were called."""
        file = lock(tmp_path, gone(), time.time(), host="elsewhere")
        repair.release(repair.Backend(tmp_path, "serving", alone=True), "local")
        assert not file.exists()

    @pytest.mark.parametrize("content", ["", "{", '{"pid": 1}'])
    def test_that_nobody_finished_writing(self, tmp_path: Path, content: str) -> None:
        file = lock(tmp_path, 1, time.time())
        file.write_text(content)
        repair.release(repair.Backend(tmp_path, "serving"), "local")
        assert not file.exists()

    def test_of_other_stacks_they_stay(self, tmp_path: Path) -> None:
        file = lock(tmp_path, gone(), time.time())
        repair.release(repair.Backend(tmp_path, "another"), "local")
        repair.release(repair.Backend(tmp_path, "serving"), "dev")
        assert file.exists()


def resource(urn: str, id_: str = "", **more: Any) -> dict[str, Any]:
    return {"urn": urn, "custom": True, "type": urn.split("::")[2], "id": id_, "inputs": {"a": 1}, **more}


def step(kind: str, op: str, urn: str, **more: Any) -> dict[str, Any]:
    about = {"op": op, "urn": urn, "old": None, "new": resource(urn)}
    if op == "delete":
        about |= {"old": resource(urn, "/x"), "new": None}
    return {"timestamp": 100.0, kind: {"metadata": about, **more}}


def lost(tmp_path: Path, *events: dict[str, Any]) -> list[tuple[str, str]]:
    file = tmp_path / "events.json"
    file.write_text("\n".join(json.dumps(event) for event in events) + '\n{"half')
    found = Journal.read(file)
    assert found is not None
    return [(one.doing, one.urn) for one in found.unknown]


class TestJournal:
    def test_begun_and_not_ended(self, tmp_path: Path) -> None:
        begun = [step("resourcePreEvent", "create", GROUP), step("resourcePreEvent", "delete", VAULT)]
        assert lost(tmp_path, *begun) == [("creating", GROUP), ("deleting", VAULT)]
        assert lost(tmp_path, *begun, step("resOutputsEvent", "create", GROUP)) == [("deleting", VAULT)]

    def test_a_provider_that_died(self, tmp_path: Path) -> None:
        """Status 0 is what the engine gives a call whose answer never came."""
        failed = step("resOpFailedEvent", "create", GROUP, status=0)
        assert lost(tmp_path, step("resourcePreEvent", "create", GROUP), failed) == [("creating", GROUP)]

    def test_a_failure_that_the_state_keeps(self, tmp_path: Path) -> None:
        failed = step("resOpFailedEvent", "create", GROUP, status=1)
        assert lost(tmp_path, step("resourcePreEvent", "create", GROUP), failed) == []

    def test_what_others_had_made_is_not_ours(self, tmp_path: Path) -> None:
        said = {"diagnosticEvent": {"urn": GROUP, "message": "cannot create already existing resource '/x'"}}
        failed = step("resOpFailedEvent", "create", GROUP, status=2)
        assert lost(tmp_path, step("resourcePreEvent", "create", GROUP), said, failed) == []

    def test_the_placeholder_of_a_secret_is_no_value(self, tmp_path: Path) -> None:
        event = step("resourcePreEvent", "create", GROUP)
        mark = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
        event["resourcePreEvent"]["metadata"]["new"]["inputs"] = {"a": 1, "key": mark, "deep": [{"key": mark, "b": 2}]}
        file = tmp_path / "events.json"
        file.write_text(json.dumps(event))
        journal = Journal.read(file)
        assert journal is not None
        assert journal.unknown[0].resource["inputs"] == {"a": 1, "deep": [{"b": 2}]}

    def test_a_line_that_was_cut_hides_no_other(self, tmp_path: Path) -> None:
        """A full disk cuts one; with room again the engine goes on."""
        file = tmp_path / "events.json"
        before, after = (json.dumps(step("resourcePreEvent", "create", urn)) for urn in (GROUP, VAULT))
        file.write_text(f"{before}\n{before[:50]}{before}\n{after}\n")
        journal = Journal.read(file)
        assert journal is not None
        assert [one.urn for one in journal.unknown] == [GROUP, VAULT]

    def test_no_run_left_one(self, tmp_path: Path) -> None:
        assert Journal.read(tmp_path / "events.json") is None


class TestCheckpoint:
    """What a full disk cut: seen to be an empty file with a whole `.bak` beside it."""

    def file(self, backend: Path, text: str, *, where: str = "stacks/serving/local.json") -> Path:
        file = backend / ".pulumi" / where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def whole(self, number: int) -> str:
        return json.dumps({"version": 3, "checkpoint": {"latest": {"number": number}}})

    def test_a_whole_one_stays(self, tmp_path: Path) -> None:
        file = self.file(tmp_path, self.whole(1))
        assert checkpoint.restore(tmp_path, "serving", "local") is None
        assert file.read_text() == self.whole(1)

    @pytest.mark.parametrize("cut", ["", '{"version": 3, "chec'])
    def test_the_newest_whole_one_comes_back(self, tmp_path: Path, cut: str) -> None:
        file = self.file(tmp_path, cut)
        for number in (1, 2):
            self.file(tmp_path, self.whole(number), where=f"backups/serving/local/local.{number}.json")
        self.file(tmp_path, "", where="backups/serving/local/local.3.json")
        assert "local.2.json" in str(checkpoint.restore(tmp_path, "serving", "local"))
        assert file.read_text() == self.whole(2)
        file.write_text(cut)
        self.file(tmp_path, self.whole(9), where="stacks/serving/local.json.bak")
        checkpoint.restore(tmp_path, "serving", "local")
        assert file.read_text() == self.whole(9)

    def test_cut_attributes_go_and_whole_ones_stay(self, tmp_path: Path) -> None:
        whole = self.file(tmp_path, '{"user.content_type": "text/plain"}', where="meta.yaml.attrs")
        cut = [self.file(tmp_path, text, where=f"stacks/serving/{len(text)}.json.attrs") for text in ("", '{"us')]
        assert checkpoint.drop_cut_attributes(tmp_path)
        assert whole.exists()
        assert not any(file.exists() for file in cut)
        assert not checkpoint.drop_cut_attributes(tmp_path)

    def test_where_none_is_whole_the_stack_is_made_again(self, tmp_path: Path) -> None:
        file = self.file(tmp_path, "")
        assert "begun anew" in str(checkpoint.restore(tmp_path, "serving", "local"))
        assert not file.exists()


def test_components_and_reads_are_not_pending() -> None:
    operations = [
        {"type": "creating", "resource": resource(GROUP)},
        {"type": "reading", "resource": resource(VAULT)},
        {"type": "creating", "resource": {**resource("urn:pulumi:l::s::azml:index:Workspace::w"), "custom": False}},
        {"type": "creating", "resource": resource("urn:pulumi:l::s::pulumi:providers:azml::default")},
    ]
    assert [one.urn for one in pending({"pending_operations": operations})] == [GROUP]


class TestVerdict:
    """What ARM is not asked about. Nobody says so louder than a client that cannot be made."""

    def judge(self, doing: Doing, type_: str) -> Verdict:
        def no_arm() -> Arm:
            raise AssertionError("ARM was asked")

        one = Interrupted(doing, resource(f"urn:pulumi:local::serving::{type_}::it"))
        return judge(Work(no_arm, one.urn, threading.Event(), lambda *_: None), one, None, 0.0)

    @pytest.mark.parametrize("doing", ["creating", "updating", "deleting"])
    def test_an_image_is_the_next_updates(self, doing: Doing) -> None:
        """Decision 13: an update builds and pushes again, delete removes nothing, and the engine keeps old inputs."""
        assert self.judge(doing, "docker:index/image:Image").then == "nothing"

    @pytest.mark.parametrize("type_", ["docker:index/container:Container", "random:index/randomId:RandomId"])
    def test_of_what_it_does_not_know_a_person_decides(self, type_: str) -> None:
        assert self.judge("creating", type_).then == "unknown"


class TestState:
    def state(self, *resources: dict[str, Any]) -> State:
        return State({"deployment": {"resources": list(resources)}})

    def test_what_was_made_comes_in(self) -> None:
        state = self.state(resource(GROUP, "/g"))
        state.adopt(resource(VAULT, dependencies=[GROUP, "urn:lost"]), "/g/kv", {"a": 1})
        made = state.resources[-1]
        assert (made["id"], made["outputs"], made["initErrors"]) == ("/g/kv", {"a": 1}, [INTERRUPTED])
        assert made["dependencies"] == [GROUP]

    def test_a_replacement_stands_before_what_it_replaces(self) -> None:
        state = self.state(resource(VAULT, "/g/old"))
        state.adopt(resource(VAULT), "/g/new", {})
        assert [(one["id"], one.get("delete", False)) for one in state.resources] == [
            ("/g/old", True),
            ("/g/new", False),
        ]

    def test_what_is_there_already_is_not_doubled(self) -> None:
        state = self.state(resource(VAULT, "/G/kv"))
        state.adopt(resource(VAULT), "/g/KV", {})
        assert len(state.resources) == 1

    def test_one_of_before_the_run_catches_up(self, tmp_path: Path) -> None:
        component = {**resource("urn:pulumi:l::s::azml:index:Workspace::w"), "custom": False}
        events = [step("resourcePreEvent", "create", component["urn"]), step("resOutputsEvent", "create", GROUP)]
        events[0]["resourcePreEvent"]["metadata"]["new"] = component
        file = tmp_path / "events.json"
        file.write_text("\n".join(map(json.dumps, [*events, step("resOutputsEvent", "delete", VAULT)])))
        state, journal = self.state(resource(VAULT, "/x")), Journal.read(file)
        assert journal is not None
        state.catch_up(journal)
        assert [(one["urn"], "initErrors" in one) for one in state.resources] == [
            (component["urn"], False), (GROUP, True),
        ]  # fmt: skip

    def test_what_is_gone_leaves_unless_something_refers_to_it(self) -> None:
        state = self.state(resource(GROUP, "/g"), resource(VAULT, "/g/kv", dependencies=[GROUP]))
        state.remove(GROUP, "/g")
        assert state.resources[0]["initErrors"] == [INTERRUPTED]
        state.remove(VAULT, "/g/kv")
        state.remove(GROUP, "/g")
        assert state.resources == []
