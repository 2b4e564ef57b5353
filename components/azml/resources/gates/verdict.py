"""What a gate found about a release.

Owns the words of a verdict. Deliberately neither how it is found nor what follows from it.
"""

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    """Too little is known: it holds, and never passes."""
    UNREACHABLE = "unreachable"
    """The endpoint is not reached from here, which says nothing about the model."""


@dataclass(frozen=True)
class Verdict:
    """One gate's verdict about one deployment. Texts are for people, in the words of the stack file."""

    gate: str
    """As in the stack file: `smoke[0]`, `golden[1]`, `latency_p95_ms`."""
    deployment: str
    """The deployment that was asked."""
    outcome: Outcome
    expected: str
    """What the gate wants: `200`, `at most 200 ms`."""
    seen: str
    """What it found: `500: division by zero`, `310 ms over 20 requests`."""
    detail: str = ""
    """More lines, where they help: what differs in an answer."""
    advice: str = ""
    """The likely cause and what to change, where the gate itself knows; empty: the model's log tells."""
