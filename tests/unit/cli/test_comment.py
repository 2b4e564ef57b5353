"""`azml comment` against the documented APIs of GitHub and Azure DevOps, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azml_cli.__main__ import app
from tests.support import pull_requests
from tests.support.pull_requests import TOKEN, AzureDevOps, GitHub, Service, serving

MARKER = "<!-- azml-preview: churn -->"
VARIABLES = [
    *(
        "GITHUB_ACTIONS",
        "GITHUB_API_URL",
        "GITHUB_GRAPHQL_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_REF",
        "GITHUB_TOKEN",
        "TF_BUILD",
    ),
    *("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_REPOSITORY_ID", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
    "SYSTEM_ACCESSTOKEN",
]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=[GitHub, AzureDevOps])
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = request.param()
    with serving(made):
        on_github = isinstance(made, GitHub)
        given = pull_requests.github_variables if on_github else pull_requests.azure_devops_variables
        token = {"GITHUB_TOKEN" if on_github else "SYSTEM_ACCESSTOKEN": TOKEN}
        for name, value in (given(made) | token).items():
            monkeypatch.setenv(name, value)
        yield made


def comment(folder: Path, text: str) -> Result:
    (folder / "preview.md").write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["comment", str(folder / "preview.md")])


def test_the_second_one_takes_the_place_of_the_first(service: Service, tmp_path: Path) -> None:
    first = comment(tmp_path, f"{MARKER}\n\nürgent\n")
    assert (first.exit_code, first.stdout.split()[0]) == (0, "Posted"), first.output
    second = comment(tmp_path, f"{MARKER}\n\nbetter\n")
    assert (second.exit_code, second.stdout.split()[0]) == (0, "Updated"), second.output
    assert service.written == ["POST", "PATCH"]
    assert service.texts == [f"{MARKER}\n\nbetter\n"]  # type: ignore[attr-defined]


def test_another_project_has_its_own(service: Service, tmp_path: Path) -> None:
    comment(tmp_path, f"{MARKER}\n\none\n")
    comment(tmp_path, "<!-- azml-preview: churn-2 -->\n\nother\n")
    assert service.written == ["POST", "POST"]


def test_who_only_quotes_it_is_left_alone(tmp_path: Path, service: Service) -> None:
    quoted = f"> {MARKER}\nsee above"
    if isinstance(service, GitHub):
        service.comments.insert(0, service.comment(9000, quoted, service.BOT))
    elif isinstance(service, AzureDevOps):
        service.threads[0]["comments"][0] |= {"content": quoted, "author": {"id": service.BUILD}}
    assert comment(tmp_path, f"{MARKER}\n\none\n").exit_code == 0
    assert service.written == ["POST"]


def test_what_somebody_else_wrote_with_the_marker_is_left_alone(tmp_path: Path, service: Service) -> None:
    """Anybody can write it, and both services would let this token change the comment of another."""
    theirs = f"{MARKER}\n\nall good, merge it\n"
    if isinstance(service, GitHub):
        service.comments[:0] = [service.comment(9000, theirs), {"id": 9001, "body": theirs, "user": None}]
    elif isinstance(service, AzureDevOps):
        service.threads[0]["comments"][0]["content"] = theirs
    for text in ("one", "two"):
        assert comment(tmp_path, f"{MARKER}\n\n{text}\n").exit_code == 0
    assert service.written == ["POST", "PATCH"]
    if isinstance(service, GitHub):
        assert [one["body"] for one in service.comments[:2]] == [theirs, theirs]
    elif isinstance(service, AzureDevOps):
        assert service.threads[0]["comments"][0]["content"] == theirs


def test_a_service_that_does_not_say_who_we_are_is_not_written_to(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = service.answer

    def without(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path.endswith(("/graphql", "/connectionData")):
            return 200, {"data": None, "errors": [{"message": "API rate limit exceeded"}]}
        return answer(method, path, query, body)

    monkeypatch.setattr(service, "answer", without)
    done = comment(tmp_path, f"{MARKER}\n")
    assert (done.exit_code, "does not say whose token this is" in done.stderr) == (1, True)
    assert "API rate limit exceeded" in done.stderr
    assert service.written == []


def test_a_token_without_the_right_is_said(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "SYSTEM_ACCESSTOKEN"):
        monkeypatch.setenv(name, "another")
    done = comment(tmp_path, f"{MARKER}\n")
    right = "pull-requests: write" if isinstance(service, GitHub) else "Contribute to pull requests"
    assert done.exit_code == 1
    assert "401" in done.stderr
    assert right in done.stderr
    assert service.written == []


@pytest.mark.parametrize(
    ("service", "name", "said"),
    [
        (GitHub, "GITHUB_TOKEN", "GITHUB_TOKEN is not set. The step needs env: GITHUB_TOKEN"),
        (GitHub, "GITHUB_REF", "not one of a pull request"),
        (AzureDevOps, "SYSTEM_ACCESSTOKEN", "SYSTEM_ACCESSTOKEN is not set. The step needs env: SYSTEM_ACCESSTOKEN"),
        (AzureDevOps, "SYSTEM_PULLREQUEST_PULLREQUESTID", "not one of a pull request"),
    ],
    indirect=["service"],
)
def test_what_the_step_lacks_is_named(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.delenv(name)
    done = comment(tmp_path, f"{MARKER}\n")
    assert done.exit_code == 2
    assert said in done.stderr


def test_elsewhere_and_with_another_file_it_does_nothing(tmp_path: Path) -> None:
    done = comment(tmp_path, f"{MARKER}\n")
    assert (done.exit_code, "neither GitHub Actions nor Azure Pipelines" in done.stderr) == (2, True)
    done = comment(tmp_path, "# Hello\n")
    assert (done.exit_code, "does not begin with the marker" in done.stderr) == (2, True)
    (tmp_path / "picture.png").write_bytes(b"\xff\xfe")
    done = CliRunner().invoke(app, ["comment", str(tmp_path / "picture.png")])
    assert (done.exit_code, "does not begin with the marker" in done.stderr) == (2, True)


def test_nobody_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = GitHub()
    with serving(gone):
        pass
    for name, value in (pull_requests.github_variables(gone) | {"GITHUB_TOKEN": TOKEN}).items():
        monkeypatch.setenv(name, value)
    done = comment(tmp_path, f"{MARKER}\n")
    assert (done.exit_code, "had no answer" in done.stderr) == (1, True)
    monkeypatch.setenv("GITHUB_GRAPHQL_URL", "api.github.example")
    done = comment(tmp_path, f"{MARKER}\n")
    assert (done.exit_code, "had no answer: unknown url type" in done.stderr) == (1, True)
