"""A project of its own for every test: files, and the estate or the problems that they make."""

from pathlib import Path

import pytest

from azml.spec import Problem, SpecError, StackSpec, load

HEAD = "stage: dev\nworkspace: {name: mlw-risk, location: eastus}\n"


class Project:
    """A Pulumi project `risk` whose stack files lie in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("Pulumi.yaml", "name: risk\n")

    def write(self, name: str, text: str = "") -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def stack(self, estate: str, name: str = "dev") -> Path:
        indented = "".join(f"    {line}\n" for line in estate.splitlines())
        return self.write(f"Pulumi.{name}.yaml", f"config:\n  risk:estate:\n{indented}")

    def load(self, estate: str) -> StackSpec:
        self.stack(estate)
        return load(self.folder, "dev")

    def problems(self, estate: str | None = None) -> list[Problem]:
        if estate is not None:
            self.stack(estate)
        with pytest.raises(SpecError) as caught:
            load(self.folder, "dev")
        return caught.value.problems

    def problem(self, estate: str | None = None) -> Problem:
        [problem] = self.problems(estate)
        return problem

    def source(self, problem: Problem) -> str:
        """What stands where a problem points to, to the end of the line."""
        assert problem.file is not None
        assert problem.line is not None
        assert problem.column is not None
        return problem.file.read_text(encoding="utf-8").splitlines()[problem.line - 1][problem.column - 1 :]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
