"""The plugin as the engine finds, starts and ends it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from azml_cli.plugin import docker_stand_in
from tests.support.provider_client import Client, Failure
from tests.unit.docker.conftest import Program

IMAGE = "docker:index/image:Image"


@contextmanager
def started(home: Path) -> Iterator[tuple[Client, "subprocess.Popen[bytes]"]]:
    program = docker_stand_in().install(home).folder / "pulumi-resource-docker"
    with subprocess.Popen([program, "127.0.0.1:9"], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        client = Client(int(process.stdout.readline()))
        client.call("Configure", wire.ConfigureRequest())
        yield client, process
        client.channel.close()
        process.kill()


def test_it_lies_where_the_engine_looks_for_the_sdks_version(tmp_path: Path, program: Program) -> None:
    with started(tmp_path) as (client, _):
        assert client.call("GetPluginInfo", empty_pb2.Empty()).version == version("pulumi_docker")
    assert (tmp_path / "plugins" / f"resource-docker-v{version('pulumi_docker')}").is_dir()


def test_it_starts_fast_because_it_loads_little() -> None:
    """At every command of the engine on a stack with images: what builds and pushes comes when something is built."""
    heavy = {"pulumi_docker", "azure", "starlette", "uvicorn", "pydantic", "yaml", "uv", "opentelemetry"}
    code = "import sys; from azml_protocol.messages import without_the_sdk; without_the_sdk(); "
    code += "import azml_local.docker.provider, azml_local.stand_in.server; "
    code += "print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) & heavy == set()


def test_a_build_that_is_killed_leaves_nothing_half(tmp_path: Path, program: Program) -> None:
    """Killed in the middle of a layer: no image is there, and the next build pushes it whole."""
    program.registry.held.add("PUT uploads")
    with started(tmp_path) as (client, process), ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(client.create, IMAGE, program.inputs())
        assert program.registry.holding.wait(30)
        process.kill()
        with pytest.raises(Failure):
            under_way.result(30)
    assert not program.registry.tags
    assert not program.registry.blobs
    program.registry.held.clear()
    with started(tmp_path) as (client, _):
        _, outputs = client.create(IMAGE, program.inputs())
    assert outputs["repoDigest"].endswith(program.registry.digest("diabetes:t1"))
