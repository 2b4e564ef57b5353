"""Scalars read as Pulumi's engine reads them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from azml.spec.errors import SpecError
from azml.spec.reader import read
from azml.spec.tree import Node
from tests.unit.spec.scalars import READ, REFUSED


def values(node: Node) -> object:
    """The tree without places, nulls kept."""
    if isinstance(node.value, dict):
        return {key: values(child) for key, child in node.value.items()}
    return [values(child) for child in node.value] if isinstance(node.value, list) else node.value


def same(ours: object, theirs: object) -> bool:
    """Equal in value and in kind: 1, 1.0 and true are three things."""
    return ours == theirs and json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("text", READ)
def test_a_scalar_is_read_as_the_engine_reads_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(f"value: {text}\n", encoding="utf-8")
    read_value = values(read(file).map["value"])
    assert same(read_value, READ[text]), read_value


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_engine_refuses_is_a_located_problem(text: str, tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(f"value: {text}\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read(file)
    [problem] = caught.value.problems
    assert problem.file == file
    assert problem.line in {1, 2}


class Engine:
    """The real engine in a project of its own."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.pulumi = folder, binaries / "pulumi"
        (folder / "Pulumi.yaml").write_text("name: serving\nruntime: python\n", encoding="utf-8")
        (folder / "state").mkdir()
        self.run("stack", "init", "table")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "table",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        command = [str(self.pulumi), *arguments, "--non-interactive"]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def config(self, lines: list[str]) -> subprocess.CompletedProcess[str]:
        text = "config:\n  serving:estate:\n" + "".join(f"    {line}\n" for line in lines)
        (self.folder / "Pulumi.table.yaml").write_text(text, encoding="utf-8")
        return self.run("config", "--json", "--stack", "table")


@pytest.mark.engine
def test_the_real_engine_agrees_with_the_table(engine: Path, tmp_path: Path) -> None:
    pulumi = Engine(tmp_path, engine)
    answered = pulumi.config([f"v{number}: {text}" for number, text in enumerate(READ)])
    assert answered.returncode == 0, answered.stderr
    # The value as text is what a program gets; `objectValue` beside it went through a float once more.
    seen = json.loads(json.loads(answered.stdout)["serving:estate"]["value"])
    wrong = {
        text: seen[f"v{number}"]
        for number, (text, expected) in enumerate(READ.items())
        if not same(seen[f"v{number}"], expected)
    }
    assert wrong == {}


@pytest.mark.engine
def test_the_real_engine_refuses_what_we_refuse(engine: Path, tmp_path: Path) -> None:
    pulumi = Engine(tmp_path, engine)
    taken = [text for text in REFUSED if pulumi.config([f"value: {text}"]).returncode == 0]
    assert taken == []
