"""`azml comment`: a preview as the one comment of its pull request, on GitHub or Azure DevOps.

Owns how a comment is found again (its first line, the marker, and who wrote it: the one whose token this run has) and
put in place of the one before. Anybody can write the marker; a comment of somebody else is left alone. Where it runs,
for whom and with which token is read from the variables that GitHub Actions and Azure Pipelines set. Deliberately makes
no text (`azml preview --markdown`).
"""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from azml_cli import render

_MARKER = re.compile(r"<!-- azml-preview: \S+ -->")
_PAGE = 100
_TIMEOUT_S = 30.0
_SHOWN = 300
_DEVOPS_API = "api-version=7.1"
_VIEWER = "query { viewer { databaseId } }"
_REF = re.compile(r"refs/pull/(\d+)/")


def comment(
    file: Annotated[Path, typer.Argument(help="What `azml preview --markdown` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Post a preview to the pull request at hand, in place of the one before: in GitHub Actions or Azure Pipelines."""
    text = file.read_text(encoding="utf-8", errors="replace")
    marker = text.partition("\n")[0]
    if not _MARKER.fullmatch(marker):
        render.fail(
            f"{file} does not begin with the marker of a preview, <!-- azml-preview: PROJECT -->.\n"
            f"Let azml write it: azml preview STACK --markdown {file}",
            render.USAGE,
        )
    service = _service(os.environ)
    address = service.find(marker)
    service.write(text, address)
    render.say(f"{'Updated' if address else 'Posted'} the preview in {service.where}")


class _GitHub:
    """Comments of a pull request, which GitHub keeps with those of issues."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        number = _REF.match(environ.get("GITHUB_REF", ""))
        if number is None:
            _no_pull_request("GITHUB_REF is refs/pull/NUMBER/merge", "on: pull_request")
        self.where = f"pull request {number[1]} of {_needed(environ, 'GITHUB_REPOSITORY')}"
        self._repository = (
            f"{environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{_needed(environ, 'GITHUB_REPOSITORY')}"
        )
        self._comments = f"{self._repository}/issues/{number[1]}/comments"
        self._graphql = environ.get("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql")
        self._web = _Web(
            _needed(environ, "GITHUB_TOKEN", "env: GITHUB_TOKEN: ${{ github.token }}"),
            {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            "The job needs permissions: pull-requests: write. For a pull request from a fork GitHub gives none.",
        )

    def find(self, marker: str) -> str | None:
        """Address of our comment that begins with the marker."""
        us = self._us()
        for page in self._pages():
            for one in page:
                if str(one.get("body") or "").startswith(marker) and (one.get("user") or {}).get("id") == us:
                    return f"{self._repository}/issues/comments/{one['id']}"
        return None

    def _us(self) -> int:
        """Id of whose token it is, as authors of comments have it. `GET /user` refuses a workflow's token (403)."""
        answer = self._web.send("POST", self._graphql, {"query": _VIEWER})
        us = ((answer.get("data") or {}).get("viewer") or {}).get("databaseId")
        return int(us) if us is not None else _nobody(self._graphql, answer)

    def write(self, text: str, address: str | None) -> None:
        """Change the comment at the address, or make one."""
        self._web.send("PATCH" if address else "POST", address or self._comments, {"body": text})

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        number, page = 1, self._page(1)
        while page:
            yield page
            number += 1
            page = self._page(number) if len(page) == _PAGE else []

    def _page(self, number: int) -> list[dict[str, Any]]:
        return list(self._web.send("GET", f"{self._comments}?per_page={_PAGE}&page={number}"))


class _AzureDevOps:
    """Threads of a pull request; the preview is the first comment of one, which is closed: nobody has to answer it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        number = environ.get("SYSTEM_PULLREQUEST_PULLREQUESTID")
        if not number:
            _no_pull_request("SYSTEM_PULLREQUEST_PULLREQUESTID is set", "a branch policy with build validation")
        self.where = f"pull request {number}"
        project = quote(_needed(environ, "SYSTEM_TEAMPROJECT"))
        repository = quote(_needed(environ, "BUILD_REPOSITORY_ID"))
        collection = _needed(environ, "SYSTEM_COLLECTIONURI").rstrip("/")
        self._connection = f"{collection}/_apis/connectionData?{_DEVOPS_API}-preview"
        at = f"{collection}/{project}/_apis/git/repositories/{repository}/pullRequests/{number}"
        self._threads = f"{at}/threads"
        self._web = _Web(
            _needed(environ, "SYSTEM_ACCESSTOKEN", "env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)"),
            {"Accept": "application/json"},
            "The project's build service needs Contribute to pull requests on the repository.",
        )

    def find(self, marker: str) -> str | None:
        """Address of our comment that begins with the marker."""
        us = self._us()
        for thread in self._web.send("GET", f"{self._threads}?{_DEVOPS_API}")["value"]:
            for one in thread.get("comments") or ():
                ours = (one.get("author") or {}).get("id") == us and not one.get("isDeleted")
                if ours and str(one.get("content") or "").startswith(marker):
                    return f"{self._threads}/{thread['id']}/comments/{one['id']}"
        return None

    def _us(self) -> str:
        """Id of whose token it is, as authors of comments have it."""
        answer = self._web.send("GET", self._connection)
        us = (answer.get("authenticatedUser") or {}).get("id")
        return str(us) if us else _nobody(self._connection, answer)

    def write(self, text: str, address: str | None) -> None:
        """Change the comment at the address, or begin a thread."""
        if address:
            self._web.send("PATCH", f"{address}?{_DEVOPS_API}", {"content": text})
            return
        first = {"parentCommentId": 0, "content": text, "commentType": "text"}
        self._web.send("POST", f"{self._threads}?{_DEVOPS_API}", {"comments": [first], "status": "closed"})


class _Web:
    """JSON requests with a token; what goes wrong ends the command in words. `rights` are what the token needs."""

    def __init__(self, token: str, headers: Mapping[str, str], rights: str) -> None:
        self._headers = {
            **headers,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": "azml",
        }
        self._rights = rights

    def send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer, parsed."""
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(url, data, self._headers, method=method)  # noqa: S310 - CI's own address
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:_SHOWN]
            hint = f"\n{self._rights}" if error.code in (401, 403, 404) else ""
            render.fail(f"{method} {url} was answered with {error.code}: {said}{hint}")
        except (OSError, ValueError) as error:
            render.fail(f"{method} {url} had no answer: {error}")


def _service(environ: Mapping[str, str]) -> _GitHub | _AzureDevOps:
    if environ.get("GITHUB_ACTIONS"):
        return _GitHub(environ)
    if environ.get("TF_BUILD"):
        return _AzureDevOps(environ)
    render.fail(
        "This is neither GitHub Actions nor Azure Pipelines: GITHUB_ACTIONS and TF_BUILD are not set.\n"
        "Run it in a workflow of a pull request: docs/ci.md",
        render.USAGE,
    )


def _needed(environ: Mapping[str, str], name: str, hint: str = "") -> str:
    if value := environ.get(name):
        return value
    render.fail(f"{name} is not set.{f' The step needs {hint}' if hint else ''}", render.USAGE)


def _nobody(url: str, answer: Any) -> NoReturn:
    render.fail(f"{url} does not say whose token this is, so no comment can be told for ours: {str(answer)[:_SHOWN]}")


def _no_pull_request(sign: str, how: str) -> NoReturn:
    render.fail(f"This run is not one of a pull request, of which {sign}.\nRun it there: {how}", render.USAGE)
