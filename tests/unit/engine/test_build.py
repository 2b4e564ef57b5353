"""How an engine is built: once, whole or not at all, and with words for what goes wrong."""

import re
import signal
import time
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[3] / "engine"


def folders(machine) -> list[str]:
    return sorted(path.name for path in (machine.cache / "engine").iterdir() if path.is_dir())


def wait_for(path: Path, pattern: str) -> None:
    deadline = time.monotonic() + 20
    while not any(path.glob(pattern)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_built_and_how(machine):
    machine.environment["CGO_ENABLED"] = "1"
    machine.install_go()
    done = machine.run()
    (call,) = machine.builds
    # readonly: the go.mod and go.sum that were committed are what is built, and stay as they are.
    assert "-mod=readonly" in call
    assert "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi ./cmd/pulumi-language-python" in call
    version = re.search(r"pulumi/pkg/v3 (v\S+)", (ENGINE / "go.mod").read_text())[1]
    assert f"version.Version={version}" in call
    assert call.endswith("CGO_ENABLED=0")
    assert Path(done.stdout.strip()).parent.name.startswith(f"{version}-")
    assert done.stdout.count("\n") == 1
    assert "happens once" in done.stderr
    assert "3 to 4 minutes" in done.stderr


def test_two_at_once_build_once(machine):
    machine.install_go(seconds=1.5)
    first = machine.start()
    wait_for(machine.cache, "engine/.unfinished/bin/half")
    second = machine.run()
    out, err = first.communicate(timeout=30)
    assert first.returncode == second.returncode == 0
    assert out == second.stdout
    assert len(machine.builds) == 1
    assert "waiting for it" in second.stderr
    assert "waiting" not in err


def test_a_failed_build_shows_the_last_lines_and_leaves_nothing(machine):
    machine.install_go(says="# example.com/one\none.go:7:2: undefined: two", code=1)
    failed = machine.run()
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the Pulumi engine could not be built" in failed.stderr
    assert "one.go:7:2: undefined: two" in failed.stderr
    assert "go: downloading" not in failed.stderr
    assert folders(machine) == []
    machine.install_go()
    assert machine.run().returncode == 0


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ("write /x/y.a: no space left on device", "The disk is full"),
        ("cp: disk quota exceeded", "The disk is full"),
        ("go: a@v1: Get https://x/a: dial tcp: lookup x: no such host", "could not fetch the modules"),
        ("go: a@v1: reading https://x/a.zip: 403 Forbidden", "could not fetch the modules"),
        ("go: a@v1: Get https://x: proxyconnect tcp: dial tcp 127.0.0.1:1: connection refused", "could not fetch"),
        ("go: a@v1: tls: failed to verify certificate: x509: unknown authority", "could not fetch the modules"),
        ("link: signal: killed", "ran out of memory"),
    ],
)
def test_a_failed_build_says_the_likely_cause(machine, says, cause):
    machine.install_go(says=says, code=1)
    done = machine.run()
    assert done.returncode == 1
    assert cause in done.stderr
    assert says in done.stderr


def test_a_compile_error_gets_no_made_up_cause(machine):
    machine.install_go(says="x.go:403:12: undefined: dial", code=1)
    assert "could not fetch" not in machine.run().stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_at_once_and_leaves_nothing(machine, sign):
    machine.install_go(seconds=60)
    process = machine.start()
    wait_for(machine.cache, "engine/.unfinished/bin/half")
    process.send_signal(sign)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, "")
    assert "interrupted" in err
    assert "Traceback" not in err
    assert folders(machine) == []


def test_a_killed_build_does_not_disturb_the_next(machine):
    machine.install_go(seconds=1)
    process = machine.start()
    wait_for(machine.cache, "engine/.unfinished/bin/half")
    process.kill()
    process.communicate(timeout=10)
    assert not any(machine.cache.glob("engine/v*"))
    machine.install_go()
    done = machine.run()
    assert done.returncode == 0
    assert folders(machine) == [Path(done.stdout.strip()).parent.name]


def test_a_cache_that_cannot_be_written_is_named(machine):
    machine.cache.write_text("a file where a folder should be")
    machine.install_go()
    done = machine.run()
    assert done.returncode == 1
    assert str(machine.cache) in done.stderr
    assert "AZML_CACHE" in done.stderr


@pytest.mark.parametrize(
    ("file", "is_another"),
    [
        ("cmd/pulumi-language-python/run.go", True),
        ("go.mod", True),
        ("go.sum", True),
        ("cmd/pulumi-language-python/extra.go", True),
        ("cmd/pulumi-language-python/extra_test.go", False),
        ("README.md", False),
    ],
)
def test_an_engine_of_other_sources_is_another_engine(copied, file, is_another):
    one, other = copied("one"), copied("other")
    for machine in (one, other):
        machine.install_go()
    with (other.engine / file).open("a") as changed:
        changed.write("// changed\n")
    same = Path(one.run().stdout.strip()).parent.name == Path(other.run().stdout.strip()).parent.name
    assert same is not is_another
