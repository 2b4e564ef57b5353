"""The comment APIs of GitHub and of Azure DevOps, as real HTTP servers that take nothing but what those document.

Sources: docs.github.com/rest/issues/comments (version 2022-11-28); learn.microsoft.com/rest/api/azure/devops/git/
pull-request-threads and pull-request-thread-comments (7.1).
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

S = TypeVar("S", bound="Service")
TOKEN = "token-of-this-run"
NUMBER = 7


class Service:
    """What both have: who may ask, and what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request."""

    @property
    def written(self) -> list[str]:
        """Methods of the requests that changed something."""
        return [method for method, _ in self.asked if method != "GET"]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        raise NotImplementedError


class GitHub(Service):
    """Comments of one pull request."""

    REPOSITORY = "risk/churn"

    def __init__(self) -> None:
        super().__init__()
        self.comments = [{"id": number, "body": f"looks good {number}"} for number in range(1, 121)]
        """More than a page of other people's."""

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        at = f"/repos/{self.REPOSITORY}/issues"
        if path == f"{at}/{NUMBER}/comments" and method == "GET":
            size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
            return 200, self.comments[(page - 1) * size : page * size]
        if path == f"{at}/{NUMBER}/comments" and method == "POST":
            self.comments.append({"id": 1000 + len(self.comments), "body": body["body"]})
            return 201, self.comments[-1]
        if method == "PATCH" and (found := re.fullmatch(rf"{at}/comments/(\d+)", path)):
            for one in self.comments:
                if one["id"] == int(found[1]):
                    one["body"] = body["body"]
                    return 200, one
        return 404, {"message": "Not Found"}

    @property
    def texts(self) -> list[str]:
        """Comments that are not those of other people."""
        return [str(one["body"]) for one in self.comments if not str(one["body"]).startswith("looks good")]


class AzureDevOps(Service):
    """Threads of one pull request."""

    PROJECT, REPOSITORY = "risk models", "4a1c7ec0-5e57-4f8f-9c7c-0d2f5a1b9e11"

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[dict[str, Any]] = [
            {"id": 3, "comments": [{"id": 1, "content": "why three?", "commentType": "text"}]},
            {"id": 4, "comments": [{"id": 1, "isDeleted": True, "commentType": "text"}]},
        ]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        at = f"/risk/risk%20models/_apis/git/repositories/{self.REPOSITORY}/pullRequests/{NUMBER}/threads"
        if query.get("api-version") != "7.1":
            return 400, {"message": "No api-version was supplied"}
        if (method, path) == ("GET", at):
            return 200, {"value": self.threads, "count": len(self.threads)}
        if (method, path) == ("POST", at):
            (first,) = body["comments"]
            assert (first["parentCommentId"], first["commentType"], body["status"]) == (0, "text", "closed")
            thread = {"id": 10 + len(self.threads), "comments": [{"id": 1, "content": first["content"]}]}
            self.threads.append(thread)
            return 200, thread
        if method == "PATCH" and (found := re.fullmatch(rf"{re.escape(at)}/(\d+)/comments/(\d+)", path)):
            for thread in self.threads:
                for one in thread["comments"]:
                    if (thread["id"], one["id"]) == (int(found[1]), int(found[2])):
                        one["content"] = body["content"]
                        return 200, one
        return 404, {"message": "TF401180: The requested pull request was not found."}

    @property
    def texts(self) -> list[str]:
        """Comments that are not those of other people."""
        return [one["content"] for thread in self.threads[2:] for one in thread["comments"]]


@contextmanager
def serving(service: S) -> Iterator[S]:
    """The service, with its address, for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            service.asked.append((self.command, address.path))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, said = 401, {"message": "Bad credentials"}
            else:
                query = {name: values[0] for name, values in parse_qs(address.query).items()}
                status, said = service.answer(self.command, address.path, query, body)
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield service
        server.shutdown()


def github_variables(service: GitHub) -> dict[str, str]:
    """What GitHub Actions sets in a run of the pull request."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": service.url,
        "GITHUB_REPOSITORY": service.REPOSITORY,
        "GITHUB_REF": f"refs/pull/{NUMBER}/merge",
    }


def azure_devops_variables(service: AzureDevOps) -> dict[str, str]:
    """What Azure Pipelines sets in a run of the pull request."""
    return {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": f"{service.url}/risk/",
        "SYSTEM_TEAMPROJECT": service.PROJECT,
        "BUILD_REPOSITORY_ID": service.REPOSITORY,
        "SYSTEM_PULLREQUEST_PULLREQUESTID": str(NUMBER),
    }
