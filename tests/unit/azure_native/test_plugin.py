"""The plugin as the engine finds and starts it."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from azml_cli.plugin import azure_native_stand_in
from tests.support.provider_client import Client, Failure
from tests.support.tiny_arm import TinyArm

VERSION = importlib.metadata.version("pulumi_azure_native")
GROUP = "azure-native:resources:ResourceGroup"


@contextmanager
def started(home: Path, environment: dict[str, str]) -> Iterator[tuple[Client, int]]:
    """Start the installed plugin as the engine does: its address as argument, the port on standard output."""
    program = azure_native_stand_in().install(home).folder / "pulumi-resource-azure-native"
    process = subprocess.Popen(
        [program, "127.0.0.1:9"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}
    )
    assert process.stdout is not None
    client = Client(int(process.stdout.readline()))
    try:
        yield client, process.pid
    finally:
        client.channel.close()
        process.kill()
        _, errors = process.communicate(timeout=10)
    assert errors == b""


def test_it_lies_where_the_engine_looks_for_the_sdks_version(tmp_path: Path) -> None:
    folder = azure_native_stand_in().install(tmp_path).folder
    program = folder / "pulumi-resource-azure-native"
    assert folder == tmp_path / "plugins" / f"resource-azure-native-v{VERSION}"
    assert [path.name for path in folder.iterdir()] == [program.name]
    assert os.access(program, os.X_OK)


def test_installing_again_writes_only_what_changed(tmp_path: Path) -> None:
    """Another environment's interpreter is replaced, a good one is left alone."""
    program = azure_native_stand_in().install(tmp_path).folder / "pulumi-resource-azure-native"
    written = program.stat()
    azure_native_stand_in().install(tmp_path)
    assert program.stat().st_mtime_ns == written.st_mtime_ns
    program.write_text("#!/bin/sh\nexec /gone/python\n")
    azure_native_stand_in().install(tmp_path)
    assert "/gone/python" not in program.read_text()
    assert os.access(program, os.X_OK)


def test_the_process_speaks_the_protocol(tmp_path: Path, arm: TinyArm) -> None:
    with started(tmp_path, arm.environment) as (client, _):
        assert client.call("GetPluginInfo", empty_pb2.Empty()).version == VERSION
        schema = json.loads(client.call("GetSchema", wire.GetSchemaRequest()).schema)
        assert (schema["name"], schema["version"]) == ("azure-native", VERSION)
        news = wire.CheckRequest().news
        news.update({"location": "x"})
        assert client.call("CheckConfig", wire.CheckRequest(news=news)).inputs == news
        assert not client.call("DiffConfig", wire.DiffRequest(news=news)).replaces
        client.configure()
        id_, _ = client.create(GROUP, {"resourceGroupName": "rg", "location": "x"})
        assert arm.resources[id_.lower()]["location"] == "x"
        with pytest.raises(Failure):
            client.call("Construct", wire.ConstructRequest())


def test_it_starts_fast_because_it_loads_little(tmp_path: Path) -> None:
    """At every command of the engine: neither the SDKs, nor the server's or an official client's libraries."""
    heavy = {"pulumi_azure_native", "azure", "aiohttp", "starlette", "uvicorn", "pydantic", "opentelemetry", "dill"}
    code = (
        "import sys; from azml_protocol.messages import without_the_sdk; without_the_sdk(); "
        "import azml_local.azure_native.provider, azml_local.stand_in.server"
    )
    code += "; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert loaded & heavy == set()
    with started(tmp_path, {}) as (_, pid):
        assert psutil.Process(pid).memory_info().rss < 80 * 1024 * 1024


def test_it_ends_with_the_engine(tmp_path: Path) -> None:
    """An engine that is killed cannot tell its plugins."""
    program = azure_native_stand_in().install(tmp_path).folder / "pulumi-resource-azure-native"
    code = "import subprocess, sys; p = subprocess.Popen([sys.argv[1]], stdout=subprocess.PIPE); "
    code += "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    engine = subprocess.Popen([sys.executable, "-c", code, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    assert psutil.pid_exists(pid)
    engine.send_signal(signal.SIGKILL)
    engine.communicate()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
