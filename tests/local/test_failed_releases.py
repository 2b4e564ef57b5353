"""Releases that fail, on the real engine: what is left of them, in Azure and in the engine's state, is as was asked.

The tests share one clone and build on each other, in order.
"""

from pathlib import Path

import pytest

from tests.support.clone import REQUEST, Clone

pytestmark = pytest.mark.engine

SCORE = Path("samples/diabetes/code/score.py")
ENDPOINT = Path("samples/diabetes/endpoint.yml")
DEPLOYMENT = Path("samples/diabetes/deployment.yml")
TOKEN = "azml:index:ManagedOnlineDeployment"
QUOTA = 9
"""Room for two releases of one DS2_v2, not for another of two: ceil(1.2) x 2 = 4 cores, and ceil(2.4) x 2 = 6
(quota-allocation-online-deployment)."""


@pytest.fixture(scope="module")
def serving(clone: Clone) -> str:
    """The release that works, and goes on working."""
    settings = clone.root / ".azml/local/settings.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"quota_cores: {{standardDSv2Family: {QUOTA}}}\n")
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    (name,) = deployments(clone)
    return name


def deployments(clone: Clone) -> dict[str, str]:
    """Provisioning states by name, as ARM has them."""
    found = clone.arm_get("onlineEndpoints/diabetes/deployments")["value"]
    return {each["name"]: each["properties"]["provisioningState"] for each in found}


def known(clone: Clone) -> set[str]:
    """Names in the engine's state."""
    return {each["inputs"]["name"] for each in clone.state if each["type"] == TOKEN}


def fails_with(clone: Clone, words: str) -> str:
    """Release a model whose init() says these words, and give all that the user reads."""
    good = (clone.root / SCORE).read_text()
    try:
        (clone.root / SCORE).write_text(good.replace("    global model\n", f"    raise RuntimeError('{words}')\n"))
        done = clone.up()
    finally:
        (clone.root / SCORE).write_text(good)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_release_that_the_quota_has_no_room_for_is_never_begun(clone: Clone, serving: str) -> None:
    file = clone.root / DEPLOYMENT
    one = file.read_text()
    assert "instance_count: 1\n" in one
    file.write_text(one.replace("instance_count: 1\n", "instance_count: 2\n"))
    said = fails_with(clone, "never tried")
    file.write_text(one)
    assert f"4 in use + 6 = 10, and {QUOTA} are allowed" in said
    assert "release: fixed" in said
    assert "instance_count: 1 or fewer" in said
    assert "never tried" not in said
    assert deployments(clone) == {serving: "Succeeded"}
    assert known(clone) == {serving}


def test_a_release_that_fails_is_kept_and_tells_why(clone: Clone, serving: str) -> None:
    said = fails_with(clone, "no weights")
    (kept,) = deployments(clone).keys() - {serving}
    assert deployments(clone) == {serving: "Succeeded", kept: "Failed"}
    assert known(clone) == {serving, kept}
    assert "RuntimeError: no weights" in said
    assert "Last lines of StorageInitializer:" in said
    assert f"diabetes is served as before: {serving} 100 %" in said
    assert f"--name {kept}" in said, "how to see more of its log"


def test_the_next_release_that_fails_takes_its_place(clone: Clone, serving: str) -> None:
    (before,) = deployments(clone).keys() - {serving}
    said = fails_with(clone, "no labels")
    (kept,) = deployments(clone).keys() - {serving}
    assert kept != before
    assert f"Deployment {before}, which had failed, is deleted" in said


def test_with_on_failure_delete_nothing_is_left_of_it(clone: Clone, serving: str) -> None:
    with (clone.root / ENDPOINT).open("a") as file:
        file.write("\nrollout:\n  on_failure: delete\n")
    said = fails_with(clone, "no scaler")
    assert deployments(clone) == {serving: "Succeeded"}
    assert "RuntimeError: no scaler" in said, "its log was read before"
    assert "It was deleted (on_failure: delete)." in said
    assert clone.arm_get("onlineEndpoints/diabetes")["properties"]["traffic"] == {serving: 100}


def test_the_good_program_finds_everything_in_order_and_changes_it_in_place(clone: Clone, serving: str) -> None:
    file = clone.root / DEPLOYMENT
    file.write_text(f"{file.read_text()}\nrelease: fixed\n")
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployments(clone) == {"ridge": "Succeeded"}
    assert serving != "ridge"
    assert known(clone) == {"ridge"}


def test_a_fixed_release_that_fails_in_place_says_what_serves(clone: Clone) -> None:
    answer = clone.azml("invoke", "diabetes", "--request", REQUEST).stdout
    said = fails_with(clone, "no weights")
    assert "still gets 100 % of the requests of diabetes" in said
    assert deployments(clone) == {"ridge": "Failed"}, "what serves is not deleted, whatever on_failure says"
    assert clone.azml("invoke", "diabetes", "--request", REQUEST).stdout == answer
    done = clone.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployments(clone) == {"ridge": "Succeeded"}
