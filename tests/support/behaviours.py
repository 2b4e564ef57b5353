"""What the real azure-native provider does, where that is read, and the test that holds the stand-in to it.

A test says so by `@behaves(step, source)`, and its docstring says what. Owns the mark and the page that is made of it;
expects nothing itself.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

_TESTS = Path(__file__).parents[1] / "unit" / "azure_native"
_SOURCES = "https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg"
STEPS = ("Check", "Diff", "Create", "Read", "Update", "Delete", "Import", "Cancel", "Invoke", "Configure")
FILES = {
    "provider.go": "provider/provider.go",
    "diff.go": "provider/diff.go",
    "crud.go": "provider/crud/crud.go",
    "client_azcore.go": "azure/client_azcore.go",
    "azure.go": "azure/azure.go",
    "resources.go": "resources/resources.go",
    "convert.go": "convert/",
}
"""Where the provider's files are, below `provider/pkg`."""

_Test = TypeVar("_Test", bound=Callable[..., None])

_PAGE = """# The azure-native stand-in, behaviour by behaviour

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

DIFFERENCES = {
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


def behaviours() -> list[Behaviour]:
    """All of them, by step, in the order of the tests."""
    found = [one for file in sorted(_TESTS.glob("test_*.py")) for one in _of(file)]
    return sorted(found, key=lambda one: STEPS.index(one.step))


def page() -> str:
    """`docs/azure-native.md`."""
    lines = ["| step | behaviour | read in | test |", "|---|---|---|---|"]
    for one in behaviours():
        file, _, function = one.source.partition(": ")
        read = f"[{file}]({_SOURCES}/{FILES[file]}) `{function}`"
        lines.append(f"| {one.step} | {one.what} | {read} | `{one.test}` |")
    differences = [f"| {real} | {ours} |" for real, ours in DIFFERENCES.items()]
    return _PAGE.format(table="\n".join(lines), differences="\n".join(differences))


def _of(file: Path) -> Iterator[Behaviour]:
    module = importlib.import_module(f"tests.unit.azure_native.{file.stem}")
    for name, test in vars(module).items():
        for mark in getattr(test, "pytestmark", []) if name.startswith("test_") else []:
            if mark.name == "behaviour":
                step, source = mark.args
                what = " ".join((inspect.getdoc(test) or "").split()).rstrip(".")
                yield Behaviour(step, what, source, f"{file.stem}: {name}")
