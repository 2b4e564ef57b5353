import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from azml_local.scoring import DeploymentFailed, Probe
from azml_local.scoring.contract import AuthMode
from tests.support.scoring_plane import ENDPOINT, KEY, PATIENT, QUICK, SCORE, Load, Rig, request, rig, until

LOADS_WEIGHTS = """
    global weights
    (model,) = os.listdir(os.environ["AZUREML_MODEL_DIR"])
    weights = json.load(open(os.path.join(os.environ["AZUREML_MODEL_DIR"], model, "weights.json")))
    print("weights loaded")
"""


def play(directory: Path, scenario: Callable[[Rig], Coroutine[Any, Any, None]], **given: Any) -> None:
    async def run() -> None:
        async with rig(directory, **given) as made:
            await scenario(made)

    asyncio.run(run())


def test_a_deployment_scores_in_the_surroundings_that_azure_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_CLIENT_SECRET", "PULUMI_CONFIG_PASSPHRASE", "ARM_CLIENT_SECRET"):
        monkeypatch.setenv(name, "s3cret")

    uris: list[str] = []

    async def scenario(rig: Rig) -> None:
        uris.append(rig.uri)
        script = SCORE.replace("    pass\n", LOADS_WEIGHTS)
        conda = "dependencies: [cudatoolkit=11.8]\nvariables: {FROM_CONDA: a, BOTH: conda}"
        await rig.put(
            rig.deployment(
                script,
                conda=conda,
                image="mcr.microsoft.com/azureml/minimal",
                variables={"MINE": "b", "BOTH": "deployment"},
            )
        )
        result = await rig.result()
        environ = result["environ"]
        assert environ["AZUREML_MODEL_DIR"].endswith("/azureml-models/churn/7")
        assert result["weights"] == [1, 2]
        assert environ["AML_APP_ROOT"].startswith(str(rig.home / "deployments"))
        assert (environ["FROM_CONDA"], environ["MINE"], environ["BOTH"]) == ("a", "b", "deployment")
        assert "s3cret" not in str(environ)
        assert {each.laddr.ip for each in psutil.Process(result["pid"]).net_connections()} == {"127.0.0.1"}
        assert (await rig.score(key="wrong")).status == 401
        assert (await rig.score(key="the-secondary-key")).status == 200
        deployment = f"{ENDPOINT.id}/deployments/blue"
        server = rig.plane.logs(deployment, "InferenceServer", 100)
        assert "weights loaded" in server
        assert "cudatoolkit" in server  # left out, and said
        assert "mcr.microsoft.com/azureml/minimal" in server
        assert "ready for serving traffic" in server
        assert rig.plane.logs(deployment, "InferenceServer", 1).count("\n") == 1
        storage = rig.plane.logs(deployment, "StorageInitializer", 100)
        assert "Model churn:7" in storage
        assert "weights.json" in storage

    play(tmp_path, scenario)
    play(tmp_path, scenario)  # and again after a restart, at the same address
    assert uris[0] == uris[1]


def test_code_that_does_not_start_is_explained(tmp_path: Path) -> None:
    cases = {
        "def init(): raise ValueError('no weights')\ndef run(data): pass": ["init()", "ValueError: no weights"],
        "import not_installed\ndef init(): pass\ndef run(data): pass": ["'not_installed'", "conda file"],
        "def init(): open('/m/gone.pkl')\ndef run(data): pass": ["/m/gone.pkl", "AZUREML_MODEL_DIR"],
        "def init(): pass": ["no run()"],
        "def init(: pass": ["SyntaxError"],
    }

    async def scenario(rig: Rig) -> None:
        for script, words in cases.items():
            deployment = rig.deployment(script)
            with pytest.raises(DeploymentFailed) as caught:
                await rig.put(deployment)
            assert caught.value.code == "ResourceNotReady"
            cause = caught.value.message.split("Last lines")[0]
            for word in words:
                assert word in cause
            assert "score.py" in rig.plane.logs(deployment.id, "InferenceServer", 100)
            assert len(rig.children()) == 1  # the gateway; nothing of the failed start
        assert (await rig.score()).status == 404
        hangs = rig.deployment(
            "import time\ndef init(): time.sleep(60)\ndef run(data): pass", readiness=Probe(0.3, 0.3, 1, 1, 2)
        )
        with pytest.raises(DeploymentFailed, match="readiness probe"):
            await rig.put(hangs)
        assert len(rig.children()) == 1

    play(tmp_path, scenario)


def test_what_is_missing_is_said_before_anything_starts(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        good = rig.deployment()
        for change, words in (
            ({"scoring_script": "main.py"}, ["main.py", "score.py", "relative to code_configuration.code"]),
            ({"scoring_script": "../x.py"}, ["../x.py"]),
            ({"code": None}, ["code_configuration"]),
            ({"model": tmp_path / "gone"}, ["churn:7"]),
        ):
            with pytest.raises(DeploymentFailed) as caught:
                await rig.put(replace(good, **change))
            assert caught.value.code == "BadArgument"
            for word in words:
                assert word in caught.value.message
        with pytest.raises(DeploymentFailed) as caught:
            await rig.put(replace(good, endpoint_id=f"{ENDPOINT.id}2"))
        assert caught.value.code == "EndpointNotFound"

    play(tmp_path, scenario)


def test_an_update_replaces_what_runs_and_a_failed_one_does_not(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment(version="old", max_concurrent=4))
        before = (await rig.result())["pid"]
        async with Load(rig.uri) as load:
            put = asyncio.create_task(rig.put(rig.deployment(version="new", max_concurrent=4)))
            await until(lambda: "starting" in rig.said[-1])
            while not put.done():  # at every moment of the switch some wait in the old server's backlog
                slow = await asyncio.gather(*(rig.score(sleep=0.1) for _ in range(3)))
                load.answers += slow
            await put
        assert {each.status for each in load.answers} == {200}
        assert {each.body["version"] for each in load.answers} == {"old", "new"}
        result = await rig.result()
        assert result["version"] == "new"
        assert not psutil.pid_exists(before)
        assert _generations(rig) == ["2"]
        for _ in range(2):
            bad = rig.deployment("def init(): raise ValueError('broken')\ndef run(data): pass")
            with pytest.raises(DeploymentFailed):
                await rig.put(bad)
        again = await rig.result()
        assert (again["version"], again["pid"]) == ("new", result["pid"])
        assert "broken" in rig.plane.logs(bad.id, "InferenceServer", 200)
        assert _generations(rig) == ["2", "4"]  # what serves, and the log of the last failure

    play(tmp_path, scenario)


def _generations(rig: Rig) -> list[str]:
    (deployment,) = (rig.home / "deployments").iterdir()
    return sorted(each.name for each in deployment.iterdir())


def test_scaling_and_request_settings_restart_nothing(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        scarce = str(tmp_path / "scarce")  # while it is there, one more instance finds a place
        place = f"    if os.path.exists({scarce!r}): os.mkdir({scarce!r} + '/place')\n"
        one = rig.deployment(SCORE.replace("    pass\n", place))
        await rig.put(one)
        first = (await rig.result())["pid"]
        (tmp_path / "scarce").mkdir()
        with pytest.raises(DeploymentFailed, match="FileExistsError"):
            await rig.put(replace(one, instances=3))
        assert {(await rig.result())["pid"] for _ in range(2)} == {first}
        assert len(rig.children()) == 3  # the gateway, the one server and its worker: the other that came up is gone
        shutil.rmtree(tmp_path / "scarce")
        await rig.put(replace(one, instances=3, request_timeout_s=2))
        pids = {(await rig.result())["pid"] for _ in range(6)}
        busy = await asyncio.gather(*(rig.score(sleep=0.5) for _ in range(3)))
        pids |= {each.body["pid"] for each in busy}
        assert len(pids) == 3
        assert first in pids
        assert (await rig.score(sleep=2.5)).status == 408
        await asyncio.sleep(1)  # the instance is still at it
        async with Load(rig.uri) as load:
            await rig.put(replace(one, request_timeout_s=2))
        assert {each.status for each in load.answers} == {200}
        assert {(await rig.result())["pid"] for _ in range(4)} == {first}
        assert [pid for pid in pids if psutil.pid_exists(pid)] == [first]

    play(tmp_path, scenario)


def test_killed_processes_come_back(tmp_path: Path) -> None:
    broken = tmp_path / "broken"

    async def scenario(rig: Rig) -> None:
        breaks = f"    if os.path.exists({str(broken)!r}): raise RuntimeError('broken')\n"
        deployment = rig.deployment(SCORE.replace("    pass\n", breaks))
        await rig.put(deployment)
        first = await rig.result()
        broken.touch()
        os.kill(first["pid"], signal.SIGKILL)

        def log() -> str:
            return rig.plane.logs(deployment.id, "InferenceServer", 500)

        await until(lambda: "did not become ready; it is started again in 1 s" in log())
        assert f"(pid {first['pid']}) ended with code -9; it is started again in 0.5 s" in log()
        assert _gone(first["worker"])
        assert (await rig.score()).status == 503
        broken.unlink()
        await until(lambda: _answers(rig.uri))
        assert (await rig.result())["pid"] != first["pid"]

        gateway = next(each for each in rig.children() if "azml_gateway" in each.cmdline())
        gateway.kill()
        await until(lambda: _answers(rig.uri))

    play(tmp_path, scenario)


def _gone(pid: int) -> bool:
    """Ended; whoever has to take note of it may not have done so yet."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _answers(uri: str) -> bool:
    try:
        return request(uri, KEY, {}).status == 200
    except OSError:
        return False


def test_an_instance_that_stops_answering_is_started_again(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment(liveness=QUICK, startup=PATIENT, request_timeout_s=1))
        stuck = (await rig.result())["pid"]
        assert (await rig.score(sleep=60)).status == 408
        await until(lambda: not psutil.pid_exists(stuck))
        await until(lambda: _answers(rig.uri))
        assert "failed its liveness probe 2 times" in rig.plane.logs(
            f"{ENDPOINT.id}/deployments/blue", "InferenceServer", 100
        )

    play(tmp_path, scenario)


def test_deleting_ends_processes_and_leaves_no_files(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment())
        id_ = f"{ENDPOINT.id}/deployments/blue"
        await rig.plane.delete_deployment(id_)
        assert (await rig.score()).status == 404
        assert list((rig.home / "deployments").iterdir()) == []
        assert rig.plane.logs(id_, "InferenceServer", 10) == ""
        await rig.put(rig.deployment())
        await rig.plane.delete_endpoint(ENDPOINT.id.upper())  # ids have no case
        assert rig.children() == []
        assert list((rig.home / "endpoints").iterdir()) == []
        await rig.plane.delete_endpoint(ENDPOINT.id)
        await rig.plane.delete_deployment(id_)

    play(tmp_path, scenario)


def test_an_endpoint_deleted_while_its_gateway_is_started_again_leaves_none(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        first = rig.children()
        first[0].kill()
        await until(lambda: any(each not in first for each in rig.children()))
        await rig.plane.delete_endpoint(ENDPOINT.id)
        assert rig.children() == []

    play(tmp_path, scenario)


def test_traffic_and_keys_follow_the_endpoint(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.put(rig.deployment(version="blue"))
        green = replace(rig.deployment(version="green"), id=f"{ENDPOINT.id}/deployments/green", name="green")
        await rig.put(green)
        assert (await rig.result())["version"] == "blue"
        await rig.plane.put_endpoint(replace(ENDPOINT, traffic={"blue": 25, "green": 75}, keys=("new", KEY)))
        seen = [(await rig.result())["version"] for _ in range(8)]
        assert (seen.count("blue"), seen.count("green")) == (2, 6)
        assert (await rig.score(key="new")).status == 200

    play(tmp_path, scenario)


@pytest.mark.parametrize("mode", ["AMLToken", "AADToken"])
def test_tokens_are_judged_by_who_issues_them(tmp_path: Path, mode: AuthMode) -> None:
    async def scenario(rig: Rig) -> None:
        assert (await rig.score(key="good-token")).status == 404  # in, but nothing serves
        assert (await rig.score(key="bad-token")).status == 401
        assert (await rig.score(key=KEY)).status == 401

    play(tmp_path, scenario, endpoint=replace(ENDPOINT, auth_mode=mode), accepts="good-token")


OWNER = """
import asyncio, sys
from pathlib import Path
from tests.support.scoring_plane import rig

async def main():
    async with rig(Path(sys.argv[1])) as made:
        await made.put(made.deployment(instances=2))
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_nothing_outlives_a_killed_parent(tmp_path: Path, root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], stdout=subprocess.PIPE, text=True, cwd=root
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        children = psutil.Process(owner.pid).children(recursive=True)
        assert len(children) == 5  # the gateway, two servers, a worker each
        owner.kill()
    _, alive = psutil.wait_procs(children, timeout=3)
    assert alive == []
