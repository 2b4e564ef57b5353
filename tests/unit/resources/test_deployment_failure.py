"""A failure says what both containers wrote and who serves now; what becomes of the failed release is as was asked."""

import time
from dataclasses import replace
from typing import Any

import pytest

from azml.resources import endpoint_body
from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError, Incomplete, Refused
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.work import Work
from azml_local.scoring.contract import DeploymentFailed
from tests.unit.resources.conftest import Azure

HANDLER = ManagedOnlineDeploymentHandler()
ML = "2025-12-01"
CRASHED = DeploymentFailed("ResourceNotReady", "User container has crashed")
LOGS = {
    "StorageInitializer": "Downloading model\nmodel is at /var/azureml-app/azureml-models/m/1",
    "InferenceServer": "Starting the server\nModuleNotFoundError: No module named 'sklearn'",
}


@pytest.fixture(autouse=True)
def logs(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    written = dict(LOGS)
    monkeypatch.setattr(azure.plane, "logs", lambda _, container, __: written[container])
    return written


def traffic(azure: Azure, endpoint: str, **shares: int) -> None:
    endpoint_body.merge(azure.work(), ArmId.parse(endpoint), lambda live: ({"traffic": shares}, live.tags))


def fails(azure: Azure, inputs: dict[str, Any], error: DeploymentFailed = CRASHED) -> Exception:
    """The exception of a create that Azure takes and that then fails."""
    azure.plane.fail[inputs["name"]] = error
    with pytest.raises((Incomplete, Refused)) as caught:
        HANDLER.create(azure.work(), inputs)
    return caught.value


def fails_again(azure: Azure, old: dict[str, Any], inputs: dict[str, Any]) -> Exception:
    azure.plane.fail[inputs["name"]] = CRASHED
    with pytest.raises((Incomplete, Refused)) as caught:
        HANDLER.update(azure.work(), old, inputs, old)
    return caught.value


def live(azure: Azure, inputs: dict[str, Any]) -> dict[str, Any] | None:
    return azure.arm.find(f"{inputs['endpointId']}/deployments/{inputs['name']}", ML)


def test_both_containers_logs_are_shown_under_their_names(azure: Azure) -> None:
    text = str(fails(azure, azure.deployment_inputs(azure.endpoint(), "blue")))
    azures, first, second = (
        text.index(part)
        for part in (
            "User container has crashed",
            "Last lines of StorageInitializer:",
            "Last lines of InferenceServer:",
        )
    )
    assert azures < first < second
    assert LOGS["StorageInitializer"] in text[first:second]
    assert LOGS["InferenceServer"] in text[second:]
    assert "'sklearn'" in text.partition("Likely cause")[2]


def test_a_container_that_wrote_nothing_is_not_named(azure: Azure, logs: dict[str, str]) -> None:
    logs["InferenceServer"] = "\n"
    text = str(fails(azure, azure.deployment_inputs(azure.endpoint(), "blue")))
    assert "StorageInitializer" in text
    assert "InferenceServer" not in text


def test_what_azure_quotes_of_a_log_is_not_repeated(azure: Azure, logs: dict[str, str]) -> None:
    logs["InferenceServer"] = "one\n\ntwo\nthe update stops"
    quoting = DeploymentFailed("ResourceNotReady", "It ended. Last lines of its log:\none\n\ntwo")
    text = str(fails(azure, azure.deployment_inputs(azure.endpoint(), "blue"), quoting))
    assert text.count("two") == 1
    assert "Last lines of InferenceServer:\nthe update stops" in text


def test_a_log_of_which_azure_only_mentions_a_line_is_shown(azure: Azure, logs: dict[str, str]) -> None:
    logs["InferenceServer"] = "one\ntwo\nthree\nboom"
    text = str(
        fails(azure, azure.deployment_inputs(azure.endpoint(), "blue"), DeploymentFailed("Bad", "It said: boom"))
    )
    assert logs["InferenceServer"] in text


def test_a_refusal_at_once_asks_for_no_logs(azure: Azure) -> None:
    with pytest.raises(Refused) as caught:
        HANDLER.create(azure.work(), azure.deployment_inputs(azure.endpoint(), "blue", instanceType="Standard_None"))
    assert "Last lines" not in str(caught.value)


def test_one_that_takes_too_long_shows_its_logs_and_is_waited_for(azure: Azure) -> None:
    inputs = azure.deployment_inputs(azure.endpoint(), "blue", onFailure="delete")
    azure.plane.gate.clear()
    with pytest.raises(Incomplete) as caught:
        HANDLER.create(azure.work(seconds=1.5), inputs)
    assert "longest" in str(caught.value)
    assert LOGS["InferenceServer"] in str(caught.value)
    azure.plane.gate.set()
    assert HANDLER.update(azure.work(), inputs, inputs, inputs)["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("asked", [{}, {"onFailure": "keep"}])
def test_it_is_kept_and_the_next_update_repairs_it(azure: Azure, asked: dict[str, str]) -> None:
    inputs = azure.deployment_inputs(azure.endpoint(), "blue", **asked)
    error = fails(azure, inputs)
    assert isinstance(error, Incomplete)
    assert "The next `pulumi up` updates it" in str(error)
    found = live(azure, inputs)
    assert found is not None
    assert found["properties"]["provisioningState"] == "Failed"
    state = {**inputs, "provisioningState": "Failed"}
    assert HANDLER.update(azure.work(), inputs, inputs, state)["provisioningState"] == "Succeeded"


def test_it_is_deleted_after_its_logs_were_read(azure: Azure) -> None:
    inputs = azure.deployment_inputs(azure.endpoint(), "blue", onFailure="delete")
    error = fails(azure, inputs)
    assert isinstance(error, Refused), "a create that is refused leaves nothing in state"
    assert LOGS["InferenceServer"] in str(error)
    assert "deleted" in str(error)
    assert live(azure, inputs) is None


def test_one_that_fails_again_is_deleted_and_seen_as_gone(azure: Azure) -> None:
    inputs = azure.deployment_inputs(azure.endpoint(), "blue")
    fails(azure, inputs)
    wanted = {**inputs, "onFailure": "delete"}
    assert HANDLER.difference(azure.work(), inputs, inputs, wanted).changed == set()
    assert isinstance(fails_again(azure, inputs, wanted), Refused)
    assert live(azure, inputs) is None
    assert HANDLER.difference(azure.work(), inputs, inputs, wanted).drifted.keys() == {"gone"}


def test_what_was_good_before_is_never_deleted(azure: Azure) -> None:
    state = azure.deployment(azure.endpoint(), "blue", onFailure="delete")
    old = {key: value for key, value in state.items() if key != "provisioningState"}
    error = fails_again(azure, old, {**old, "description": "d"})
    assert isinstance(error, Incomplete)
    assert live(azure, state) is not None


def test_what_serves_is_never_deleted_and_is_said(azure: Azure) -> None:
    endpoint = azure.endpoint()
    state = azure.deployment(endpoint, "blue", onFailure="delete")
    traffic(azure, endpoint, blue=100)
    old = {key: value for key, value in state.items() if key != "provisioningState"}
    for attempt in ("d", "e"):
        error = fails_again(azure, old, {**old, "description": attempt})
        assert "still gets 100 % of the requests" in str(error)
        assert live(azure, state) is not None


def test_who_serves_now_is_said(azure: Azure) -> None:
    endpoint = azure.endpoint()
    assert "No deployment of" in str(fails(azure, azure.deployment_inputs(endpoint, "blue")))
    azure.deployment(endpoint, "one")
    azure.deployment(endpoint, "two")
    traffic(azure, endpoint, one=10, two=90)
    assert "is served as before: one 10 %, two 90 %" in str(fails(azure, azure.deployment_inputs(endpoint, "green")))


def test_releases_that_fail_one_after_the_other_do_not_pile_up(azure: Azure) -> None:
    endpoint = azure.endpoint()
    azure.deployment(endpoint, "ridge-0", deployment="ridge", release="0")
    traffic(azure, endpoint, **{"ridge-0": 100})
    for release in ("1", "2", "3"):
        fails(azure, azure.deployment_inputs(endpoint, f"ridge-{release}", deployment="ridge", release=release))
    names = {each["name"] for each in azure.get(f"{endpoint}/deployments")["value"]}
    assert names == {"ridge-0", "ridge-3"}
    assert any("ridge-2" in text and "is deleted" in text for _, text in azure.said)


def test_releases_that_gates_refuse_one_after_the_other_do_not_pile_up(azure: Azure) -> None:
    """They started and would answer; each costs what its instances cost."""
    endpoint = azure.endpoint()
    for number in ("0", "1", "2", "3"):
        azure.deployment(endpoint, f"ridge-{number}", deployment="ridge", release=number)
    azure.deployment(endpoint, "forest-1", deployment="forest", release="1")
    traffic(azure, endpoint, **{"ridge-0": 90, "ridge-3": 10})
    given_up, later = ("ridge-1", "ridge-2", "ridge-3", "forest-1"), {"ridge-2": int(time.time()) + 3600}
    endpoint_body.remember(
        azure.work(), ArmId.parse(endpoint), lambda live: replace(live, given_up=given_up, previous=later)
    )
    azure.deployment(endpoint, "ridge-4", deployment="ridge", release="4")
    names = {each["name"] for each in azure.get(f"{endpoint}/deployments")["value"]}
    assert names == {"ridge-0", "ridge-2", "ridge-3", "ridge-4", "forest-1"}, "who serves, is kept, is another's: stays"
    assert any("ridge-1" in text and "is deleted" in text for _, text in azure.said)
    assert azure.get(endpoint)["tags"]["azml-given-up"] == "ridge-2,ridge-3,forest-1"


def test_only_this_stack_s_failed_releases_of_the_same_deployment_go(azure: Azure) -> None:
    endpoint = azure.endpoint()
    theirs = azure.work("urn:pulumi:prod::other::azml:index:Thing::t")
    fails(azure, azure.deployment_inputs(endpoint, "forest-1", deployment="forest"))
    azure.plane.fail["ridge-1"] = CRASHED
    with pytest.raises(Incomplete):
        HANDLER.create(theirs, azure.deployment_inputs(endpoint, "ridge-1", deployment="ridge"))
    azure.deployment(endpoint, "ridge-2", deployment="ridge")
    azure.deployment(endpoint, "ridge-3", deployment="ridge")
    names = {each["name"] for each in azure.get(f"{endpoint}/deployments")["value"]}
    assert names == {"forest-1", "ridge-1", "ridge-2", "ridge-3"}


def test_one_that_failed_and_yet_serves_stays(azure: Azure) -> None:
    endpoint = azure.endpoint()
    state = azure.deployment(endpoint, "ridge-1", deployment="ridge")
    traffic(azure, endpoint, **{"ridge-1": 100})
    old = {key: value for key, value in state.items() if key != "provisioningState"}
    fails_again(azure, old, {**old, "description": "d"})
    azure.deployment(endpoint, "ridge-2", deployment="ridge")
    assert live(azure, state) is not None
    assert not any("could not be deleted" in text for _, text in azure.said), "it was not even tried"


def test_one_that_was_given_up_and_cannot_be_deleted_is_not_forgotten(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = azure.endpoint()
    for number in ("1", "2"):
        azure.deployment(endpoint, f"ridge-{number}", deployment="ridge", release=number)
    endpoint_body.remember(
        azure.work(), ArmId.parse(endpoint), lambda live: replace(live, given_up=("ridge-1", "ridge-2"))
    )
    real = azure.arm.delete

    def delete(id_: str, version: str, work: Work) -> None:
        if id_.endswith("ridge-1"):
            raise ArmError("ScopeLocked", "The scope cannot perform delete operation", 409)
        real(id_, version, work)

    monkeypatch.setattr(azure.arm, "delete", delete)
    azure.deployment(endpoint, "ridge-3", deployment="ridge", release="3")
    assert azure.get(endpoint)["tags"]["azml-given-up"] == "ridge-1"
    monkeypatch.undo()
    azure.deployment(endpoint, "ridge-4", deployment="ridge", release="4")
    assert {each["name"] for each in azure.get(f"{endpoint}/deployments")["value"]} == {"ridge-3", "ridge-4"}


def test_a_refused_create_leaves_nothing_in_state_also_after_clearing_away(azure: Azure) -> None:
    endpoint = azure.endpoint()
    fails(azure, azure.deployment_inputs(endpoint, "ridge-1", deployment="ridge"))
    with pytest.raises(Refused):
        HANDLER.create(
            azure.work(),
            azure.deployment_inputs(endpoint, "ridge-2", deployment="ridge", instanceType="Standard_None"),
        )
    assert azure.get(f"{endpoint}/deployments")["value"] == []


def test_another_word_is_refused(azure: Azure) -> None:
    with pytest.raises(Refused, match="keep or delete, not 'remove'"):
        azure.deployment_inputs("e", "blue", onFailure="remove")
