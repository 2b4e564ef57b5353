"""What a user sees while a deployment is made: each phase at once, log lines in between, one line at a time."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from azml.resources import work as work_module
from azml.resources.deployment_progress import PHASES, PREPARING, ROLLING
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from tests.unit.local.support import until
from tests.unit.resources.conftest import Azure

HANDLER = ManagedOnlineDeploymentHandler()
FETCHING, STARTING = PHASES["StorageInitializer"], PHASES["InferenceServer"]


@pytest.fixture
def logs(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    written = {"StorageInitializer": "", "InferenceServer": ""}
    monkeypatch.setattr(azure.plane, "logs", lambda _, container, __: written[container])
    monkeypatch.setattr(work_module, "WATCH_SECONDS", 0.0)
    return written


def statuses(azure: Azure) -> list[str]:
    return [text for severity, text in azure.said if severity == "status"]


def while_held(azure: Azure, change: Callable[[], Any], *steps: Callable[[], None]) -> None:
    """Do something that Azure does not finish before the steps are done."""
    azure.plane.gate.clear()
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for step in steps:
            step()
    finally:
        azure.plane.gate.set()
        thread.join()


def test_a_create_goes_through_its_phases(azure: Azure, logs: dict[str, str]) -> None:
    inputs = azure.deployment_inputs(azure.endpoint(), "blue")
    azure.said.clear()

    def seen(part: str) -> Callable[[], None]:
        return lambda: until(lambda: any(part in text for text in statuses(azure)))

    while_held(
        azure,
        lambda: HANDLER.create(azure.work(), inputs),
        seen(f"Creating: {PREPARING}"),
        lambda: logs.update(StorageInitializer="Downloading\nmodel \x1b[1mready\x1b[0m\n\n"),
        seen(f"{FETCHING} | model [1mready [0m"),
        lambda: logs.update(InferenceServer="2026-11-21 13:11:00,087 I [19] azmlinfsrv.print - init() " + 200 * "x"),
        seen(f"{STARTING} | init() x"),
    )
    said = statuses(azure)
    assert [said.index(next(text for text in said if part in text)) for part in (PREPARING, FETCHING, STARTING)] == [
        1,
        2,
        3,
    ], "each at once, and none twice"
    assert not any("\n" in text or len(text) > 170 for text in said)


def test_log_lines_of_one_phase_wait_for_the_status_line(
    azure: Azure, logs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def read(_: str, container: str, __: int) -> str:
        looks.append(container)
        return f"line {len(looks)}"

    monkeypatch.setattr(azure.plane, "logs", read)
    inputs = azure.deployment_inputs(azure.endpoint(), "blue")
    while_held(azure, lambda: HANDLER.create(azure.work(), inputs), lambda: until(lambda: len(looks) > 12))
    assert len([text for text in statuses(azure) if STARTING in text]) == 1
    azure.said.clear()
    monkeypatch.setattr(work_module, "SAY_AGAIN_SECONDS", 0.0)
    looks.clear()
    update = {**inputs, "description": "d"}
    while_held(
        azure, lambda: HANDLER.update(azure.work(), inputs, update, inputs), lambda: until(lambda: len(looks) > 9)
    )
    assert len([text for text in statuses(azure) if STARTING in text]) > 2


def test_what_old_instances_wrote_is_no_progress(azure: Azure, logs: dict[str, str]) -> None:
    logs["InferenceServer"] = "answered 200"
    state = azure.deployment(azure.endpoint(), "blue")
    old = {key: value for key, value in state.items() if key != "provisioningState"}
    while_held(
        azure,
        lambda: HANDLER.update(azure.work(), old, {**old, "description": "d"}, state),
        lambda: until(lambda: any(f"Updating: {ROLLING}" in text for text in statuses(azure))),
    )
    assert not any("answered 200" in text for text in statuses(azure)[1:] if "Updating" in text)


def test_an_environment_that_is_not_ready_is_named(
    azure: Azure, logs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = azure.arm.glance

    def glance(method: str, id_: str, version: str, body: Any = None) -> dict[str, Any]:
        if "/environments/" in id_:
            return {"properties": {"provisioningState": "Creating"}}
        return real(method, id_, version, body)

    monkeypatch.setattr(azure.arm, "glance", glance)
    inputs = azure.deployment_inputs(azure.endpoint(), "blue")
    while_held(
        azure,
        lambda: HANDLER.create(azure.work(), inputs),
        lambda: until(lambda: any("environment e is Creating" in text for text in statuses(azure))),
    )


def test_a_look_without_an_answer_disturbs_nothing(
    azure: Azure, logs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure.arm, "glance", lambda *_: {})
    inputs = azure.deployment_inputs(azure.endpoint(), "blue")
    while_held(
        azure,
        lambda: HANDLER.create(azure.work(), inputs),
        lambda: until(lambda: any(PREPARING in text for text in statuses(azure))),
    )
    assert azure.get(f"{inputs['endpointId']}/deployments/blue")["properties"]["provisioningState"] == "Succeeded"
