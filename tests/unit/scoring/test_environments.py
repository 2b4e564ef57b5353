import asyncio
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from azml_local.scoring import DeploymentFailed
from azml_local.scoring.conda import CondaFile, read
from azml_local.scoring.environments import Environments, cache

TINY = CondaFile(requirements=("six==1.17.0",))


def build(root: Path, conda: CondaFile) -> tuple[Path, list[str]]:
    said: list[str] = []
    return asyncio.run(Environments(root).ready(conda, said.append)), said


def run(environment: Path, code: str) -> str:
    python = environment / "bin" / "python"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("environments")
    environment, said = build(root, TINY)
    assert any(line.startswith("Installed") for line in said)
    return environment


def test_it_has_what_was_asked_for_and_microsofts_server(built: Path) -> None:
    assert run(built, "import six, azureml_inference_server_http as s; print(six.__version__)") == "1.17.0"
    assert run(built, "import sys; print(sys.prefix)") == str(built)


def test_the_second_time_nothing_is_built(built: Path) -> None:
    again, said = build(built.parent, TINY)
    assert again == built
    assert said == []


def test_two_at_once_build_once(tmp_path: Path) -> None:
    said: list[str] = []

    async def both() -> list[Path]:
        builders = [Environments(tmp_path).ready(TINY, said.append) for _ in range(2)]
        return await asyncio.gather(*builders)

    one, other = asyncio.run(both())
    assert one == other
    assert sum(line.startswith("Installed") for line in said) == 1
    assert sum(line.startswith("waiting") for line in said) == 1


def test_a_broken_environment_is_built_again_alone_and_cleanly(built: Path) -> None:
    left = built.parent / f".{built.name}.killed"
    left.mkdir()
    python = built / "bin" / "python"
    target = python.readlink()
    python.unlink()
    python.symlink_to("/nowhere/python")  # the interpreter was removed from the machine

    async def while_another_process_builds() -> None:
        with (built.parent / f"{built.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            said: list[str] = []
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await Environments(built.parent).ready(TINY, said.append)
            assert said == ["waiting for another build of the same environment"]

    asyncio.run(while_another_process_builds())
    again, _ = build(built.parent, TINY)
    assert again == built
    assert python.readlink() == target
    assert not left.exists()


def test_a_package_that_does_not_exist_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    conda = read("dependencies: ['python=2.6', {pip: [azml-has-no-such-package]}]")
    with pytest.raises(DeploymentFailed) as caught:
        asyncio.run(Environments(tmp_path).ready(conda, said.append))
    assert "no Python 2.6 on this machine" in said[0]
    assert caught.value.code == "ImageBuildFailure"
    assert "azml-has-no-such-package" in caught.value.message
    assert "no package of that name" in caught.value.message
    assert [each for each in tmp_path.iterdir() if each.suffix != ".lock"] == []


def test_versions_that_exclude_each_other_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed, match=r"exclude each other(.|\n)*six"):
        build(tmp_path, CondaFile(requirements=("six==1.17.0", "six<1.10")))


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZML_CACHE", "/somewhere")
    assert cache() == Path("/somewhere/environments")
    monkeypatch.delenv("AZML_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache() == Path("/cache/azml/environments")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/x")
    assert cache() == Path("/home/x/.cache/azml/environments")


def test_our_identity_does_not_reach_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "s3cret")
    seen = tmp_path / "seen"
    fake = tmp_path / "uv"
    fake.write_text(f"#!/bin/sh\nenv >> {seen}\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr("azml_local.scoring.environments.uv.find_uv_bin", lambda: str(fake))
    with pytest.raises(DeploymentFailed):
        build(tmp_path / "root", TINY)
    assert "PATH=" in seen.read_text()
    assert "s3cret" not in seen.read_text()
    assert os.environ["AZURE_CLIENT_SECRET"] == "s3cret"


def test_a_build_ends_with_its_local_azure(tmp_path: Path) -> None:
    """An index that never answers keeps uv waiting; who started it is killed."""
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("nothing-of-this-name\n")
    code = (
        "import asyncio, sys\n"
        "from azml_local.scoring.environments import _uv\n"
        "asyncio.run(_uv('pip', 'compile', '--no-cache', '--no-config', sys.argv[1]))\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(20)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        variables = {**os.environ, "UV_DEFAULT_INDEX": url, "UV_FIND_LINKS": "", "PIP_FIND_LINKS": ""}
        server = subprocess.Popen([sys.executable, "-c", code, wanted], env=variables)
        asked, _ = index.accept()
        (build,) = psutil.Process(server.pid).children()
        assert Path(build.exe()).name == "uv"
        server.kill()
        server.wait()
        assert psutil.wait_procs([build], timeout=10)[1] == []
        asked.close()
