"""Trials of container services: what passes, what does not and why, and that nothing is left behind."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from azml.resources import service_client
from azml.resources.container_groups import body
from azml.resources.container_trial import ContainerTrialHandler
from azml.resources.errors import ArmError, Interrupted, Refused
from azml.resources.work import Work
from azml_cli.recovery import interrupted
from azml_cli.recovery.state import State
from azml_cli.recovery.verdict import judge
from tests.support.arm_model import Killed
from tests.support.group_model import KEY, Groups, scoring

GROUP = "/subscriptions/s/resourceGroups/g"
URN = "urn:pulumi:dev::p::azml:index:ContainerService$azml:index:ContainerTrial::diabetes-trial"
IMAGE = f"cr.azurecr.io/diabetes@sha256:{'0' * 64}"
PROBE = {"initialDelaySeconds": 0, "periodSeconds": 1, "failureThreshold": 2}


def inputs(tmp_path: Path, **more: Any) -> dict[str, Any]:
    (tmp_path / "request.json").write_text('{"data": [[1]]}')
    (tmp_path / "answer.json").write_text("[1.0]")
    group = {
        "location": "eastus",
        "osType": "Linux",
        "restartPolicy": "Always",
        "containers": [{"name": "diabetes", "image": IMAGE, "readinessProbe": PROBE}],
        "ipAddress": {"type": "Public", "ports": [{"port": 80}]},
    }
    base = {"resourceGroupId": GROUP, "name": "diabetes-trial", "service": "diabetes", "key": KEY, "group": group}
    return ContainerTrialHandler().check({**base, **more})


def smoke(tmp_path: Path) -> dict[str, Any]:
    return {"smoke": [str(tmp_path / "request.json")]}


def golden(tmp_path: Path) -> dict[str, Any]:
    return {"golden": [{"request": str(tmp_path / "request.json"), "expected": str(tmp_path / "answer.json")}]}


@pytest.fixture(name="server")
def _server() -> Iterator[tuple[int, list[str]]]:
    with scoring() as found:
        yield found


@pytest.fixture(name="arm")
def _arm(server: tuple[int, list[str]]) -> Groups:
    return Groups(server[0])


def work(arm: Groups, urn: str = URN, cancelled: threading.Event | None = None) -> Work:
    return Work(lambda: arm, urn, cancelled or threading.Event(), lambda *_: None, 30)  # type: ignore[arg-type,return-value]


def refused(arm: Groups, wanted: dict[str, Any], what: type[Exception] = Refused) -> str:
    with pytest.raises(what) as caught:
        ContainerTrialHandler().create(work(arm), wanted)
    return str(caught.value)


def verbs(arm: Groups) -> list[str]:
    return [verb for verb, _, _ in arm.writes]


def test_a_good_release_is_tried_beside_what_serves_and_leaves_nothing(
    arm: Groups, server: tuple[int, list[str]], tmp_path: Path
) -> None:
    ContainerTrialHandler().create(work(arm), inputs(tmp_path, gates=smoke(tmp_path) | golden(tmp_path)))
    assert (verbs(arm), arm.there) == (["PUT", "DELETE"], {})
    _, id_, sent = arm.writes[0]
    assert id_ == f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/diabetes-trial"
    assert sent["properties"]["restartPolicy"] == "Never", "what ends is seen to have ended"
    assert server[1] == ["/", "/score"], "one request does for both gates"


def test_arm_s_body_of_a_group() -> None:
    """containerGroups of 2024-05-01-preview: what stands beside `properties`, and identities as keys of a map."""
    made = body({
        "location": "eastus", "zones": ["1"], "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/u"]},
        "osType": "Linux", "containers": [{"name": "c", "image": "i", "ports": [{"port": 80}]}],
    })  # fmt: skip
    assert made == {
        "location": "eastus", "zones": ["1"],
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/u": {}}},
        "properties": {
            "osType": "Linux",
            "containers": [{"name": "c", "properties": {"image": "i", "ports": [{"port": 80}]}}],
        },
    }  # fmt: skip


def test_a_wrong_answer_is_reported_as_in_a_rollout(tmp_path: Path) -> None:
    with scoring(answer=[2.0]) as (port, _):
        arm = Groups(port)
        text = refused(arm, inputs(tmp_path, gates=golden(tmp_path)))
    assert text.startswith(f"Image {IMAGE} does not go live: the container group of service diabetes was not touched.")
    assert "Gate golden[0] failed\n  expected: the answer in answer.json to request.json" in text
    assert "1 difference" in text
    assert "It is another model than the expected answer is from" in text
    assert arm.there == {}


def test_a_run_that_fails_does_not_go_live(tmp_path: Path) -> None:
    with scoring(status=500, answer={"message": "no"}) as (port, _):
        arm = Groups(port)
        text = refused(arm, inputs(tmp_path, gates=smoke(tmp_path)))
    assert "Gate smoke[0] failed\n  expected: 200 for request.json\n  seen:     500" in text
    assert (verbs(arm), arm.there) == (["PUT", "DELETE"], {})


def test_a_container_that_ends_is_explained_by_its_log(arm: Groups, tmp_path: Path) -> None:
    arm.containers = [
        {"currentState": {"state": "Waiting"}},
        {"currentState": {"state": "Running"}},
        {"currentState": {"state": "Terminated", "exitCode": 3, "detailStatus": "Error"}},
    ]
    arm.log = "starting\nModuleNotFoundError: No module named 'sklearn'\n"
    with scoring(up_after=1000) as (port, _):
        arm.port = port
        text = refused(arm, inputs(tmp_path))
    assert "Why: in its trial group its container ended with exit code 3 (Error)" in text
    assert "  ModuleNotFoundError: No module named 'sklearn'" in text
    assert "Likely cause: The environment has no package for 'sklearn'" in text
    assert arm.there == {}


def test_what_init_raised_is_found_above_the_last_lines(arm: Groups, tmp_path: Path) -> None:
    """As azureml-inference-server-http 1.5.1 logs it: what init() raised, its own traceback, what the folders hold."""
    packages = "/opt/azml/env/lib/python3.11/site-packages/azureml_inference_server_http/server"
    arm.containers = [{"currentState": {"state": "Terminated", "exitCode": 3, "detailStatus": "Error"}}]
    arm.log = (
        "Traceback (most recent call last):\n"
        f'  File "{packages}/user_script.py", line 117, in invoke_init\n    self._user_init()\n'
        '  File "/var/azureml-app/code/score.py", line 14, in init\n    raise ValueError("no such weights")\n'
        "ValueError: no such weights\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        f'  File "{packages}/aml_blueprint.py", line 109, in setup\n    self.user_script.invoke_init()\n'
        "azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception\n\n"
        + "".join(f"2026-11-21 17:04:20,263 I [9621] azmlinfsrv -     file-{number}\n" for number in range(30))
        + "2026-11-21 17:04:20,724 E [9614] gunicorn.error - Worker (pid:9621) exited with code 3.\n"
    )
    text = refused(arm, inputs(tmp_path))
    assert 'File "/var/azureml-app/code/score.py", line 14, in init' in text
    assert "  ValueError: no such weights" in text
    assert "aml_blueprint" not in text, "not the server's own frames"
    assert "Likely cause: init() of the scoring script failed" in text


def test_too_little_memory_is_the_services_to_give(arm: Groups, tmp_path: Path) -> None:
    arm.containers = [{"currentState": {"state": "Terminated", "exitCode": 137, "detailStatus": "OOMKilled"}}]
    text = refused(arm, inputs(tmp_path))
    assert "its container ended with exit code 137 (OOMKilled)" in text
    assert "more memory_gb" in text


def test_an_image_that_cannot_be_pulled(arm: Groups, tmp_path: Path) -> None:
    events = [
        {"name": "Pulling", "type": "Normal", "message": "pulling image"},
        {"name": "Failed", "type": "Warning", "message": "Failed to pull image: denied"},
        {"name": "BackOff", "type": "Normal", "message": "Back-off pulling image"},
    ]
    arm.containers = [{"currentState": {"state": "Waiting"}, "events": events}]
    assert "its container does not start\n  Failed to pull image: denied" in refused(arm, inputs(tmp_path))


def test_an_identity_without_its_role(arm: Groups, tmp_path: Path) -> None:
    class Refusing(Groups):
        def put(self, *_: Any) -> Any:
            raise ArmError("InaccessibleImage", "The image is not accessible. Please check the image.")

    text = refused(Refusing(arm.port), inputs(tmp_path))
    assert "Why: Azure did not make its trial group: InaccessibleImage: The image is not accessible." in text
    assert "Likely cause: The image could not be pulled: check its name, and that the identity that pulls it" in text


def test_a_server_that_never_comes_up(arm: Groups, tmp_path: Path) -> None:
    with scoring(up_after=1000) as (port, _):
        arm.port = port
        text = refused(arm, inputs(tmp_path))
    assert "the server of its trial group was not up after 2 s" in text, "0 s and 2 × 1 s, as its probe says"
    assert "it answered 503" in text


def test_what_the_server_logs_of_its_telemetry_is_no_cause(arm: Groups, tmp_path: Path) -> None:
    """As azureml-inference-server-http 1.5.1 logs it at each start of a service with one model."""
    telemetry = "/opt/azml/env/lib/python3.11/site-packages/azureml_inference_server_http/server/appinsights_client.py"
    arm.log = (
        "2026-11-21 19:05:35,176 E [16613] azmlinfsrv.trace - Error while fetching model IDs\n"
        "Traceback (most recent call last):\n"
        f'  File "{telemetry}", line 230, in _get_model_ids\n    versions = [int(version) for version in folders]\n'
        "               ^^^^^^^^^^^^\n"
        f'  File "{telemetry}", line 230, in <listcomp>\n    versions = [int(version) for version in folders]\n'
        "ValueError: invalid literal for int() with base 10: 'diabetes.joblib'\n"
        "2026-11-21 19:05:35,943 I [16613] azmlinfsrv - Worker with pid 16613 ready for serving traffic\n"
    )
    with scoring(up_after=1000) as (port, _):
        arm.port = port
        text = refused(arm, inputs(tmp_path))
    assert "ready for serving traffic" in text
    assert "invalid literal" not in text
    assert "Likely cause" not in text


def test_requests_that_wait_for_readiness(arm: Groups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Container Instances let them wait: connected, and no answer (container-instances-readiness-probe)."""
    monkeypatch.setattr(service_client, "HEALTH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as never:
        arm.port = never.getsockname()[1]
        text = refused(arm, inputs(tmp_path))
    assert "the server of its trial group was not up after 2 s" in text


def test_a_server_that_takes_its_time(tmp_path: Path) -> None:
    with scoring(up_after=2) as (port, asked):
        ContainerTrialHandler().create(work(Groups(port)), inputs(tmp_path))
    assert asked == ["/", "/", "/"]


def test_a_server_that_closes_its_connections(tmp_path: Path) -> None:
    with scoring(up_after=1, protocol_version="HTTP/1.0") as (port, asked):
        ContainerTrialHandler().create(work(Groups(port)), inputs(tmp_path, gates=golden(tmp_path)))
    assert asked == ["/", "/", "/score"]


def test_a_service_that_does_not_take_its_own_key(arm: Groups, tmp_path: Path) -> None:
    text = refused(arm, inputs(tmp_path, key="another", gates=smoke(tmp_path)))
    assert "Gate smoke[0] could not be asked from here" in text
    assert "The service did not take the key that the stack has for it." in text


def test_a_spot_group_has_no_address_and_is_only_seen_to_run(arm: Groups, tmp_path: Path) -> None:
    arm.address = False
    ContainerTrialHandler().create(work(arm), inputs(tmp_path))
    assert verbs(arm) == ["PUT", "DELETE"]


@pytest.mark.parametrize("while_it_waits", [True, False])
def test_what_a_killed_run_left_the_next_one_deletes(arm: Groups, tmp_path: Path, *, while_it_waits: bool) -> None:
    wanted, handler = inputs(tmp_path), ContainerTrialHandler()

    def end(number: int) -> None:
        if number > 1 or while_it_waits:
            raise Killed

    arm.after_write, arm.before_write = end, lambda number: end(number) if number > 1 else None
    with pytest.raises(Killed):
        handler.create(work(arm), wanted)
    assert arm.there, "it was killed in time"
    arm.after_write = arm.before_write = lambda _: None
    assert "is still there" in handler.drift(work(arm), wanted, wanted)["name"]
    handler.update(work(arm), wanted, wanted, wanted)
    assert (verbs(arm), arm.there) == (["PUT", "DELETE"], {}), "the same program tries nothing anew"
    assert handler.drift(work(arm), wanted, wanted) == {}


def killed_first(arm: Groups, wanted: dict[str, Any]) -> None:
    """A first trial that is killed while it waits: state has nothing of it."""

    def end(number: int) -> None:
        if number > 1:
            raise Killed

    arm.containers = [{"currentState": {"state": "Waiting"}}, {"currentState": {"state": "Terminated"}}]
    arm.before_write = end
    with pytest.raises(Killed):
        ContainerTrialHandler().create(work(arm), wanted)
    arm.containers, arm.before_write = [{"currentState": {"state": "Running"}}], lambda _: None


def test_a_killed_first_trial_is_found_by_recover_and_deleted_by_destroy(arm: Groups, tmp_path: Path) -> None:
    wanted, handler = inputs(tmp_path), ContainerTrialHandler()
    assert handler.left(work(arm), wanted) is None
    killed_first(arm, wanted)
    assert handler.left(work(arm, URN.replace("dev", "prod")), wanted) is None, "of another stack"
    pending = {"resource": {"urn": URN, "type": "azml:index:ContainerTrial", "custom": True, "inputs": wanted}}
    (one,) = interrupted.pending({"pending_operations": [{**pending, "type": "creating"}]})
    verdict = judge(work(arm), one, None, 0)
    assert (verdict.then, verdict.id) == ("adopt", handler.arm_id(wanted).text)
    state = State({"deployment": {"resources": []}})
    state.adopt(one.resource, verdict.id, verdict.outputs or {})
    assert state.has(URN), "`destroy` deletes what is in the state"
    handler.delete(work(arm), state.resources[0]["outputs"])
    assert (verbs(arm), arm.there) == (["PUT", "DELETE"], {})


@pytest.mark.parametrize("by", ["recover", "refresh"])
def test_what_was_never_judged_is_tried_before_it_serves(arm: Groups, tmp_path: Path, by: str) -> None:
    """The next update has the same inputs, and the serving group depends on what it says."""
    wanted, handler = inputs(tmp_path, gates=smoke(tmp_path)), ContainerTrialHandler()
    killed_first(arm, wanted)
    found = handler.left(work(arm), wanted) if by == "recover" else (handler.read(work(arm), "", wanted) or ({}, {}))[1]
    assert found is not None
    assert handler.drift(work(arm), wanted, found)
    assert handler.drift(work(Groups(0)), wanted, found), "also where somebody deleted the group meanwhile"
    after = handler.update(work(arm), wanted, wanted, found)
    assert (verbs(arm), arm.there) == (["PUT", "DELETE", "PUT", "DELETE"], {})
    assert handler.drift(work(arm), wanted, after) == {}


def test_ctrl_c_ends_it_at_once_and_it_is_deleted(arm: Groups, tmp_path: Path) -> None:
    cancelled = threading.Event()
    arm.containers = [{"currentState": {"state": "Waiting"}}]
    arm.after_write = lambda _: cancelled.set()
    with pytest.raises(Interrupted):
        ContainerTrialHandler().create(work(arm, cancelled=cancelled), inputs(tmp_path))
    assert arm.there == {}


def test_a_group_of_others_is_never_deleted(arm: Groups, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    ContainerTrialHandler().create(work(arm), wanted)
    arm.there[arm.writes[0][1].lower()] = {**arm.writes[0][2], "tags": {}}
    assert "no trial of service diabetes in this stack made it" in refused(arm, wanted)
    with pytest.raises(Refused):
        ContainerTrialHandler().delete(work(arm), wanted)
    assert arm.there
    assert verbs(arm) == ["PUT", "DELETE"], "those of the trial before"


@pytest.mark.parametrize(
    ("change", "tried"),
    [
        (lambda one: {**one, "group": {**one["group"], "restartPolicy": "OnFailure"}}, True),
        (lambda one: {**one, "key": KEY, "gates": {"smoke": []}}, False),
        (lambda one: one, False),
    ],
    ids=["another setting", "other gates", "nothing"],
)
def test_what_is_tried_anew(
    arm: Groups, tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], tried: bool
) -> None:
    wanted, handler = inputs(tmp_path), ContainerTrialHandler()
    found = handler.difference(work(arm), wanted, wanted, change(wanted))
    assert bool(found.changed) is tried
    handler.update(work(arm), wanted, change(wanted), wanted)
    assert verbs(arm) == (["PUT", "DELETE"] if tried else [])


def test_a_certificate_of_its_own(tmp_path: Path) -> None:
    ca = trustme.CA()
    leaf = ca.issue_cert("models.contoso.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    pem = leaf.cert_chain_pems[0].bytes().decode()
    with scoring(context) as (port, asked):
        wanted = inputs(tmp_path, cname="models.contoso.com", certificate=pem, gates=golden(tmp_path))
        ContainerTrialHandler().create(work(Groups(port)), wanted)
        assert asked == ["/", "/score"]
        wanted["group"]["containers"][0].pop("readinessProbe")  # no waiting mends it
        other = refused(Groups(port), {**wanted, "cname": "other.contoso.com"})
    assert "its clients would refuse its certificate: https://other.contoso.com" in other
    assert "Hostname mismatch" in other
