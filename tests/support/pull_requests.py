"""The comment APIs of GitHub and of Azure DevOps, as real HTTP servers that take nothing but what those document.

Sources: docs.github.com/rest/issues/comments (version 2022-11-28), and its GraphQL API (viewer, and that GET /user is
none for a workflow's token); learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads and
pull-request-thread-comments (7.1), and the locations API's ConnectionData. Both services let whoever may write change
the comments of others.
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
        return [method for method, path in self.asked if method != "GET" and path != "/graphql"]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        raise NotImplementedError


class GitHub(Service):
    """Comments of one pull request."""

    REPOSITORY = "risk/churn"
    BOT, SOMEBODY = 41898282, 583231
    """Ids of github-actions[bot], and of a person."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[dict[str, Any]] = [self.comment(number, f"looks good {number}") for number in range(1, 121)]
        """More than a page of other people's."""

    @staticmethod
    def comment(number: int, body: str, author: int = SOMEBODY) -> dict[str, Any]:
        return {"id": number, "body": body, "user": {"id": author}}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        at = f"/repos/{self.REPOSITORY}/issues"
        if path == "/user":
            return 403, {"message": "Resource not accessible by integration"}
        if (method, path) == ("POST", "/graphql"):
            known = "".join(body["query"].split()) == "query{viewer{databaseId}}"
            return 200, {"data": {"viewer": {"databaseId": self.BOT}}} if known else {"errors": [{"message": "?"}]}
        if path == f"{at}/{NUMBER}/comments" and method == "GET":
            size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
            return 200, self.comments[(page - 1) * size : page * size]
        if path == f"{at}/{NUMBER}/comments" and method == "POST":
            self.comments.append(self.comment(1000 + len(self.comments), body["body"], self.BOT))
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
        return [one["body"] for one in self.comments if one["user"]["id"] == self.BOT]


class AzureDevOps(Service):
    """Threads of one pull request."""

    PROJECT, REPOSITORY = "risk models", "4a1c7ec0-5e57-4f8f-9c7c-0d2f5a1b9e11"

    BUILD, SOMEBODY = "b1f3a0c2-0a3e-4a66-9c27-5a0e6a1f7d10", "5f2c7b7e-9d1a-4a55-8a0f-2b6f1c3d4e5f"
    """Ids of the project's build service, and of a person."""

    def __init__(self) -> None:
        super().__init__()
        person = {"author": {"id": self.SOMEBODY}, "commentType": "text"}
        self.threads: list[dict[str, Any]] = [
            {"id": 3, "comments": [{"id": 1, "content": "why three?", **person}]},
            {"id": 4, "comments": [{"id": 1, "isDeleted": True, **person}]},
        ]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        at = f"/risk/risk%20models/_apis/git/repositories/{self.REPOSITORY}/pullRequests/{NUMBER}/threads"
        if (method, path) == ("GET", "/risk/_apis/connectionData"):
            assert query["api-version"] == "7.1-preview"
            return 200, {"authenticatedUser": {"id": self.BUILD}}
        if query.get("api-version") != "7.1":
            return 400, {"message": "No api-version was supplied"}
        if (method, path) == ("GET", at):
            return 200, {"value": self.threads, "count": len(self.threads)}
        if (method, path) == ("POST", at):
            (first,) = body["comments"]
            assert (first["parentCommentId"], first["commentType"], body["status"]) == (0, "text", "closed")
            comment = {"id": 1, "content": first["content"], "author": {"id": self.BUILD}}
            thread = {"id": 10 + len(self.threads), "comments": [comment]}
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
        "GITHUB_GRAPHQL_URL": f"{service.url}/graphql",
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
