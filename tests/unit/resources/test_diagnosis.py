"""The likely cause, from the words that Python, conda and Azure really use."""

import subprocess
import sys

import pytest

from azml.resources.diagnosis import likely_cause

QUOTA = "OutOfQuota: Not enough subscription CPU quota. The amount of CPU quota requested is 48"
"""Azure's text (troubleshoot-online-endpoints)."""


def said_by_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("import surely_not_there", "'surely_not_there'"),
        ("from json import nope", "'json' in the environment has no 'nope'"),
        ("open('models/m.pkl')", "'models/m.pkl'"),
        ("import types; types.ModuleType('score').init", "both functions: init() and run(data)"),
        ("def x(:", "no valid Python"),
        ("raise MemoryError", "too little memory"),
        ("import pickle; pickle.loads(b'\\x80\\x04\\x8c\\x01a\\x93.')", "saved with other versions"),
        ("def init(): raise ValueError('no')\ninit()", "init() of the scoring script failed"),
    ],
)
def test_what_python_says(code: str, hint: str) -> None:
    text = said_by_python(code)
    assert hint in (likely_cause(text) or f"nothing for: {text}")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (QUOTA, "Ask for quota"),
        ("ResolvePackageNotFound:\n  - nunpy", "do not exist together"),
        ("Failed to pull image: manifest unknown", "AcrPull"),
        ("This request is not authorized: AuthorizationPermissionMismatch", "Storage Blob Data Reader"),
        ("Readiness probe failed: HTTP 502", "initial_delay"),
    ],
)
def test_what_azure_says(text: str, hint: str) -> None:
    assert hint in (likely_cause(text) or "")


def test_nothing_is_made_up() -> None:
    assert likely_cause("all is well") is None
