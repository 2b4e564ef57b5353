"""Which engine is used: an official one on PATH, a built one, or none."""

import os
from pathlib import Path

import pytest

PROGRAMS = {"pulumi", "pulumi-language-python", "pulumi-language-python-exec"}


@pytest.mark.parametrize("version", ["v3.250.0", "3.250.0", "v3.272.1", "v3.251.0-alpha.1", "v4.0.0"])
def test_an_official_engine_is_used_and_nothing_is_built(machine, version):
    machine.install_pulumi(version)
    machine.install_go()
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{machine.bin}\n", "")
    assert machine.builds == []


@pytest.mark.parametrize("version", ["v3.249.9", "v3.25.0", "v2.300.0"])
def test_an_older_official_engine_is_not_used(machine, version):
    machine.install_pulumi(version)
    done = machine.run("--find-only")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{machine.bin / 'pulumi'} is {version}, older than 3.250" in done.stderr


def test_an_official_engine_needs_its_python_host(machine):
    machine.install_pulumi("v3.272.0", host=False)
    done = machine.run("--find-only")
    assert done.returncode == 1
    assert "has no pulumi-language-python beside it" in done.stderr


def test_the_python_host_may_lie_beside_the_file_that_a_link_names(machine):
    real = machine.install_pulumi("v3.272.0", folder=machine.root / "opt")
    (machine.bin / "pulumi").symlink_to(real)
    assert machine.run().stdout == f"{machine.bin}\n"


def test_the_python_host_may_lie_elsewhere_on_path(machine):
    machine.install_pulumi("v3.272.0", host=False)
    other = machine.root / "other"
    machine.program(other / "pulumi-language-python", "#!/bin/sh\n")
    machine.environment["PATH"] += os.pathsep + str(other)
    assert machine.run().stdout == f"{machine.bin}\n"


@pytest.mark.parametrize(("answer", "code"), [("", 0), ("something else", 0), ("v3.272.0", 1)])
def test_a_pulumi_that_does_not_say_its_version_is_not_used(machine, answer, code):
    machine.install_pulumi(answer, code=code)
    done = machine.run("--find-only")
    assert done.returncode == 1
    assert "does not answer `pulumi version`" in done.stderr


def test_neither_pulumi_nor_go_is_one_message_with_both_ways_out(machine):
    done = machine.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("azml: there is no Pulumi engine: no pulumi on PATH; no Go on PATH to build one.")
    assert "https://www.pulumi.com/docs/install/" in done.stderr
    assert "https://go.dev/doc/install" in done.stderr
    assert "Pulumi 3.250 or newer" in done.stderr


def test_an_old_pulumi_without_go_says_both(machine):
    machine.install_pulumi("v3.100.0")
    done = machine.run()
    assert done.returncode == 1
    assert "v3.100.0, older than 3.250; no Go on PATH" in done.stderr


def test_an_old_pulumi_with_go_leads_to_a_build(machine):
    machine.install_pulumi("v3.100.0")
    machine.install_go()
    done = machine.run()
    assert done.returncode == 0
    assert Path(done.stdout.strip()).is_relative_to(machine.cache / "engine")


@pytest.mark.parametrize(
    ("version", "toolchain"),
    [("go1.19.8", ""), ("go1.20.14", "auto"), ("go1.24.9", "local"), ("go1.25.10", "local"), ("", "")],
)
def test_a_go_that_is_too_old_is_as_good_as_none(machine, version, toolchain):
    machine.install_go(version, toolchain)
    done = machine.run()
    assert done.returncode == 1
    assert f"{machine.bin / 'go'} is {version or 'of unknown version'}, too old to build one" in done.stderr
    assert "https://go.dev/doc/install" in done.stderr
    assert machine.builds == []


@pytest.mark.parametrize(
    ("version", "toolchain"),
    [("go1.25.11", "local"), ("go1.26", "local"), ("go1.27rc1", "local"), ("go1.21.0", "auto"), ("go1.24.9", "auto")],
)
def test_a_go_that_is_new_enough_or_fetches_a_newer_one_builds(machine, version, toolchain):
    machine.install_go(version, toolchain)
    assert machine.run().returncode == 0
    assert len(machine.builds) == 1


def test_a_built_engine_is_used_again(machine):
    machine.install_go()
    first = machine.run()
    folder = Path(first.stdout.splitlines()[-1])
    assert {file.name for file in folder.iterdir()} == PROGRAMS
    assert list(folder.parent.iterdir()) == [folder]
    assert all(os.access(file, os.X_OK) for file in folder.iterdir())
    (machine.bin / "go").unlink()
    again = machine.run("--find-only")
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")


def test_find_only_never_builds(machine):
    machine.install_go()
    done = machine.run("--find-only")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no pulumi on PATH" in done.stderr
    assert machine.builds == []


def test_a_built_engine_that_lost_a_program_is_built_again(machine):
    machine.install_go()
    folder = Path(machine.run().stdout.strip())
    (folder / "pulumi").unlink()
    assert machine.run().returncode == 0
    assert (folder / "pulumi").exists()
    assert len(machine.builds) == 2


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"AZML_CACHE": "chosen", "XDG_CACHE_HOME": "xdg"}, "chosen/engine"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/azml/engine"),
        ({"AZML_CACHE": "", "XDG_CACHE_HOME": ""}, "home/.cache/azml/engine"),
    ],
)
def test_where_a_built_engine_lies(machine, variables, place):
    del machine.environment["AZML_CACHE"]
    machine.environment |= {name: value and str(machine.root / value) for name, value in variables.items()}
    machine.install_go()
    assert Path(machine.run().stdout.strip()).parents[1] == machine.root / place
