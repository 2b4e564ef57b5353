"""How long things take and what goes wrong, as data: the sets that come along, and sets of one's own."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError

import azml_local
from azml_local.arm.faults import Chances, Faults
from azml_local.arm.lifecycle import Lifecycle, Stage, sets
from azml_local.arm.store import Store
from azml_local.home import Home
from azml_local.settings import BadSettings, load
from tests.unit.local.support import Arm, FakePlane, Running, ended, running

ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
MINUTE = 60


def of(name: str, **more: Any) -> Lifecycle:
    return Lifecycle(sets(Path("/nowhere"))[name], **more)


def total(stages: list[Stage]) -> tuple[float, float]:
    return sum(stage.least for stage in stages), sum(stage.most for stage in stages)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose own lifecycle is chosen."""
    made = tmp_path / "azure"
    (made / "lifecycle" / "own").mkdir(parents=True)
    (made / "settings.yaml").write_text("lifecycle: own\n")
    return made


def write(home: Path, **files: str) -> None:
    for name, text in files.items():
        (home / "lifecycle" / "own" / f"{name}.yaml").write_text(text)


class TestRealistic:
    def test_it_takes_as_long_as_documented(self) -> None:
        """tutorial-deploy-model: 2 minutes, 6 to 8 minutes; how-to-deploy-online-endpoints: up to 15 with an image."""
        realistic = of("realistic")
        assert total(list(realistic.stages(ENDPOINTS, "create"))) == (2 * MINUTE, 2 * MINUTE)
        stages = list(realistic.stages(f"{ENDPOINTS}/deployments", "create"))
        assert total(stages)[1] == 15 * MINUTE
        assert total([stage for stage in stages if stage.once_for is None]) == (6 * MINUTE, 8 * MINUTE)

    def test_it_can_be_scaled(self) -> None:
        (stage,) = of("realistic").stages(ENDPOINTS, "create")
        assert of("realistic", scale=0.01).seconds(stage, "x") == pytest.approx(1.2)

    def test_an_image_is_built_once(self, home: Path) -> None:
        write(
            home,
            types=f"{ENDPOINTS}/deployments:\n  create:\n"
            "    - {state: Scaling, seconds: 0, once_for: environmentId}\n    - {state: Creating, seconds: 0}\n",
        )
        with running(home) as local, Arm(local) as arm:
            workspace = arm.workspace(arm.group())
            endpoint, body = arm.endpoint(workspace), arm.deployment_body(arm.assets(workspace))
            seen = []
            for name in ("first", "second"):
                path = f"{endpoint}/deployments/{name}"
                seen.append(arm.send("PUT", path, body).json()["properties"]["provisioningState"])
                ended(arm, path)
        assert seen == ["Scaling", "Creating"]


class TestChaos:
    def test_a_seed_gives_the_same_faults_again(self) -> None:
        folder = sets(Path("/nowhere"))["chaos"]

        def drawn(seed: int, subscription: str) -> list[Any]:
            faults = Faults(folder, Chances(seed))
            path = f"/subscriptions/{subscription}/resourceGroups/rg/providers/X/y/z"
            return [(faults.refusal("PUT", path), faults.loses("PUT", path)) for _ in range(200)]

        one, other = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "12")
        assert drawn(1, one) == drawn(1, other)
        assert drawn(1, one) != drawn(2, one)

    def test_shares_are_what_they_say(self) -> None:
        faults, n = Faults(sets(Path("/nowhere"))["chaos"], Chances(3)), 10_000
        refused = Counter(each.status for _ in range(n) if (each := faults.refusal("GET", "/x")) is not None)
        lost = sum(faults.loses("GET", "/x") for _ in range(n))
        for count, share in ((refused[429], 0.04), (refused[503], 0.02), (refused[500], 0.02), (lost, 0.02)):
            assert abs(count - n * share) < 5 * math.sqrt(n * share * (1 - share))  # five standard deviations

    def test_what_is_refused_was_not_done(self, home: Path) -> None:
        write(home, faults="refused: [{status: 429, code: TooManyRequests, share: 1, retry_after: 3}]\n")
        with running(home) as local, Arm(local) as arm:
            answer = arm.send("PUT", f"{arm.sub}/resourceGroups/rg", {"location": "eastus"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
            assert answer.json()["error"]["code"] == "TooManyRequests"
        store = Store(Home(home).database)
        assert store.below(None) == []
        store.close()

    def test_an_operation_that_was_accepted_may_fail(self, home: Path) -> None:
        kind = "Microsoft.ContainerRegistry/registries"
        write(home, types=f"{kind}:\n  create: [{{state: Creating, seconds: 0, fails: 1}}]\n")
        with running(home) as local, Arm(local) as arm:
            path = f"{arm.group()}/providers/{kind}/fails"
            body = {"location": "eastus", "sku": {"name": "Basic"}}
            with pytest.raises(HttpResponseError):
                arm.ok("PUT", path, body)
            assert arm.ok("GET", path)["properties"]["provisioningState"] == "Failed"
            arm.ok("PUT", path, body)  # as an update, which does not fail
            assert arm.ok("GET", path)["properties"]["provisioningState"] == "Succeeded"

    def test_what_is_lost_was_done(self, home: Path) -> None:
        write(home, faults="lost: 1\n")
        azml_local.start(home, lambda _: None)
        try:
            with clients(home) as arm, pytest.raises(AzureError):
                arm.send("PUT", f"{arm.sub}/resourceGroups/done", {"location": "eastus"})
            azml_local.stop(home)
            write(home, faults="lost: 0\n")
            azml_local.start(home, lambda _: None)
            with clients(home) as arm:
                assert arm.ok("GET", f"{arm.sub}/resourceGroups/done")["name"] == "done"
        finally:
            azml_local.stop(home)


def clients(home: Path) -> Arm:
    """Clients of a server in another process."""
    at = Home(home)
    who: Any = SimpleNamespace(identity=at.identity())
    return Arm(Running(who, FakePlane(), at, json.loads(at.server.read_text())["url"]))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"types": "X/y:\n  create: [{state: A, seconds: [2, 1]}]\n"}, r"types\.yaml must hold.*\[2, 1\]"),
        ({"types": "X/y:\n  create: [{state: A, seconds: 1, fails: 2}]\n"}, "0 to 1"),
        ({"types": "X/y:\n  create: [{state: A, seconds: 1, fials: 1}]\n"}, "fials"),
        ({"faults": "refused: [{status: 429}]\n"}, r"faults\.yaml must hold refused"),
        ({"faults": "lost: often\n"}, "often"),
    ],
)
def test_a_file_that_is_not_of_its_form_is_told(home: Path, files: dict[str, str], says: str) -> None:
    write(home, **files)
    folder = home / "lifecycle" / "own"
    with pytest.raises(BadSettings, match=re.compile(says, re.DOTALL)):
        Faults(folder, Chances(1)), Lifecycle(folder)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("lifecycle: slowly", "must be one of .*chaos, fast, realistic, own"),
        ("lifecycle_scale: -1", "must be a number from 0"),
        ("seed: one", "must be a whole number"),
        ("instance_memory_gb: 0", "must be a number above 0"),
    ],
)
def test_settings_of_it_are_checked(home: Path, line: str, says: str) -> None:
    (home / "settings.yaml").write_text(line)
    with pytest.raises(BadSettings, match=says):
        load(home / "settings.yaml")


@pytest.fixture(autouse=True)
def _ended(home: Path) -> Iterator[None]:
    yield
    azml_local.stop(home)
