"""What the real providers do, where that is read, and the test that holds a stand-in to it.

A test says so by `@behaves(step, source)`, and its docstring says what. Owns the mark and the pages that are made of
it; expects nothing itself.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

_UNIT = Path(__file__).parents[1] / "unit"
STEPS = ("Check", "Diff", "Create", "Read", "Update", "Delete", "Import", "Cancel", "Invoke", "Configure")

_Test = TypeVar("_Test", bound=Callable[..., None])

_AZURE_NATIVE = """# The azure-native stand-in, behaviour by behaviour

Made by `make accept` from the tests; do not edit. `packages/azml_local/azure_native` stands in for the azure-native
provider (v3) against the local Azure. Each line is something that the real provider does, the function of its source
where that is read (2026-11), and the test in `tests/unit/azure_native` that holds the stand-in to it. Expected answers
come from there, and not from the stand-in.

Beyond the table: every row of `table.py` is held against the typed SDK's own classes (`test_table.py`); bodies of all
inputs that ARM's types allow lead back to these inputs (`test_mapping.py`); bodies of generated estates are valid for
ARM's types (`tests/unit/components/test_bodies.py`); what others change in Azure is played through the real engine
(`tests/local/behind_our_back.yaml`).

{table}

## Where it is known to differ
| the provider | the stand-in |
|---|---|
{differences}
"""

_DOCKER = """# The docker stand-in, behaviour by behaviour

Made by `make accept` from the tests; do not edit. `packages/azml_local/docker` stands in for the docker provider
(5.2) where images of the local stack are built: without Docker, onto the registries of the local Azure. Each line
is something that the real provider does, the function of its source where that is read (2026-11; [decision
13](adr/0013-docker-stand-in.md) names the commits), and the test in `tests/unit/docker` that holds the stand-in to
it.

{table}

## What an image of it is
A real OCI image that any client pulls: one layer for each `COPY`, one for the Python environment, uncompressed tars
that are the same for the same content (names sorted, modes 644 and 755, owner 0, no times), configuration, history,
manifest. The environment is made by uv from the conda file and the requirements that the Dockerfile installs, in
the cache that deployments of endpoints use, and a conda file that cannot be honoured is explained as there. It has
neither interpreter nor compiled files: those are of this machine. The layers of the base image are absent, and the
label `azml.local.base-absent` names it, so such an image runs on the local Azure only.

It follows `FROM` (one), `COPY`, `ENV`, `LABEL`, `USER`, `WORKDIR`, `EXPOSE`, `ENTRYPOINT` and `CMD` in their JSON
form, and `RUN` with `conda env create --prefix P --file F`, `P/bin/python -m pip install …` and commands without
effect here (`conda clean`, `useradd`, `groupadd`). Everything else is `NotImplemented`, named with its line.
Nothing is pushed before all files are found and the environment is there; the manifest goes last, so a build that
is killed leaves nothing half.
What the registry has is not sent again, and a layer that images of one update share is sent once.

## Where it is known to differ
| the provider | the stand-in |
|---|---|
{differences}
"""

_AZURE_NATIVE_DIFFERENCES = {
    "waits 10 s between polls (30 s for deletions) and 20, 60, 120 s before it tries again, unless Azure says when": (
        "1 s, and 1, 3, 7 s"
    ),
    "compares lists that the specification gives identifiers (`x-ms-identifiers`) without regard to order": (
        "by position: it may show more changes, never none where there is one"
    ),
    "polls operations that the specification marks as long-running, and every 202": (
        "polls whatever answers with the headers or the state of one"
    ),
    "has `getClientToken`, `list…` functions, and every resource type of Azure": "refuses them by name",
    "obeys `skipReadOnUpdate`": "always reads after a write",
    "works on every cloud": "works on the loopback only",
}
_DOCKER_DIFFERENCES = {
    "needs a Docker daemon, and fails without one": "needs none; `docker:host` and the like mean nothing",
    "builds any Dockerfile, with `args` and `target`": "builds azml's own, and refuses these by name",
    "builds for every platform that the daemon can emulate": "builds for this machine's, and refuses others",
    "writes the time into the image, so each build has its digest": "makes the same digest from the same files",
    "keeps images, and pulls those of `cacheFrom`": "keeps none: a warning for each; environments and digests are kept",
    "compresses layers": "does not: the registry is on this machine",
    "runs the credential helpers of the Docker config file": "refuses them by name",
    "has `Container`, `RegistryImage`, `Tag` and the other resources and functions": "refuses them by name",
}


@dataclass(frozen=True)
class Page:
    """One stand-in's page. `files` says where the provider's files are, below `sources`."""

    name: str
    """`docs/NAME.md`"""
    tests: Path
    text: str
    sources: str
    files: Mapping[str, str]
    differences: Mapping[str, str]


AZURE_NATIVE = Page(
    "azure-native",
    _UNIT / "azure_native",
    _AZURE_NATIVE,
    "https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg",
    {
        "provider.go": "provider/provider.go",
        "diff.go": "provider/diff.go",
        "crud.go": "provider/crud/crud.go",
        "client_azcore.go": "azure/client_azcore.go",
        "azure.go": "azure/azure.go",
        "resources.go": "resources/resources.go",
        "convert.go": "convert/",
    },
    _AZURE_NATIVE_DIFFERENCES,
)
DOCKER = Page(
    "docker",
    _UNIT / "docker",
    _DOCKER,
    "https://github.com/pulumi/pulumi-docker/blob/master/provider",
    {"provider.go": "provider.go", "image.go": "image.go", "hybrid.go": "hybrid.go"},
    _DOCKER_DIFFERENCES,
)
PAGES = (AZURE_NATIVE, DOCKER)


@dataclass(frozen=True)
class Behaviour:
    """One line of the page."""

    step: str
    what: str
    source: str
    """`file.go: function`"""
    test: str
    """`file: name`"""


def behaves(step: str, source: str) -> Callable[[_Test], _Test]:
    """Mark a test as the one of a behaviour of the provider: which step, and `file.go: function` where it is read."""

    def mark(test: _Test) -> _Test:
        marked: _Test = pytest.mark.behaviour(step, source)(test)
        return marked

    return mark


def behaviours(page: Page) -> list[Behaviour]:
    """All of a page, by step, in the order of the tests."""
    found = [one for file in sorted(page.tests.glob("test_*.py")) for one in _of(page, file)]
    return sorted(found, key=lambda one: STEPS.index(one.step))


def written(page: Page) -> str:
    """The page's text."""
    lines = ["| step | behaviour | read in | test |", "|---|---|---|---|"]
    for one in behaviours(page):
        file, _, function = one.source.partition(": ")
        read = f"[{file}]({page.sources}/{page.files[file]}) `{function}`"
        lines.append(f"| {one.step} | {one.what} | {read} | `{one.test}` |")
    differences = [f"| {real} | {ours} |" for real, ours in page.differences.items()]
    return page.text.format(table="\n".join(lines), differences="\n".join(differences))


def _of(page: Page, file: Path) -> Iterator[Behaviour]:
    module = importlib.import_module(f"tests.unit.{page.tests.name}.{file.stem}")
    for name, test in vars(module).items():
        for mark in getattr(test, "pytestmark", []) if name.startswith("test_") else []:
            if mark.name == "behaviour":
                step, source = mark.args
                what = " ".join((inspect.getdoc(test) or "").split()).rstrip(".")
                yield Behaviour(step, what, source, f"{file.stem}: {name}")
