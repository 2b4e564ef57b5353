"""What is read of Pulumi.yaml: the project's name and where its stack files are."""

from pathlib import Path

import pytest

from azml.spec import SpecError, stack_folder
from tests.unit.spec.conftest import Project


@pytest.mark.parametrize(("written", "folder"), [("", "."), ("stackConfigDir: deploy/stacks\n", "deploy/stacks")])
@pytest.mark.parametrize("asked_from", [".", "program"])
def test_stack_files_are_where_the_project_says(project: Project, written: str, folder: str, asked_from: str) -> None:
    project.write("Pulumi.yaml", f"name: risk\n{written}")
    for name in (folder, "program"):
        (project.folder / name).mkdir(parents=True, exist_ok=True)
    assert stack_folder(project.folder / asked_from).resolve() == (project.folder / folder).resolve()


@pytest.mark.parametrize("written", ["[a]", "", "nowhere", "Pulumi.yaml", "x" * 5000])
def test_a_folder_that_is_none_is_refused_where_it_stands(project: Project, written: str) -> None:
    project.write("Pulumi.yaml", f"name: risk\nstackConfigDir: {written}\n")
    with pytest.raises(SpecError) as caught:
        stack_folder(project.folder)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (2, "stackConfigDir")


def test_no_project_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        stack_folder(tmp_path)
    assert "azml init" in str(caught.value)


def test_a_stack_without_a_file_is_shown_where_files_are_said_to_be(project: Project) -> None:
    project.write("Pulumi.yaml", "name: risk\nstackConfigDir: .\n")
    problem = project.problem()
    assert (problem.file, problem.line) == ((project.folder / "Pulumi.yaml").resolve(), 2)
    assert "Pulumi.dev.yaml does not exist" in problem.what
