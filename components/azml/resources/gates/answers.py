"""Gates on single answers: `smoke` wants 200, `golden` the answer that is known.

Owns these two and how a wrong answer is shown. Deliberately sends nothing itself.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml.resources.errors import Refused
from azml.resources.gates.advice import advice_for
from azml.resources.gates.compare import differences, same_form
from azml.resources.gates.own_requests import OwnRequests
from azml.resources.gates.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from azml.resources.scoring import Answer
    from azml.spec.rollout import GoldenSpec

OK = 200
OTHER_ANSWER = (
    "It is another model than the expected answer is from (model version), it gets its features in another order or "
    "prepared otherwise (run()), or its libraries are of other versions than it was saved with (conda file). If the "
    "new answer is right, put it into the file."
)
OTHER_FORM = (
    "run() answers in another form than the release before: callers that read the old form would fail. Let run() "
    "return the old form; if its callers change with it, put the new answer into the file."
)
SHOWN_DIFFERENCES = 5
"""How many differences a verdict lists; all are counted."""
SHOWN_BODY = 500
"""Characters of an unexpected answer that a verdict shows."""


def smoke(asking: OwnRequests, deployment: str, number: int, request: Path) -> list[Verdict]:
    """Whether a request is answered with 200."""
    answer = asking.once(deployment, request)
    passed = Outcome.PASS if answer.status == OK else Outcome.FAIL
    advice = advice_for(answer.status)
    return [Verdict(f"smoke[{number}]", deployment, passed, f"200 for {request.name}", said(answer), advice=advice)]


def golden(asking: OwnRequests, deployment: str, number: int, wanted: GoldenSpec) -> list[Verdict]:
    """Whether a request is answered as expected."""
    answer = asking.once(deployment, wanted.request)
    expected = f"the answer in {wanted.expected.name} to {wanted.request.name}, numbers within {wanted.tolerance:g}"
    outcome, seen, detail, advice = _compared(answer, wanted)
    return [Verdict(f"golden[{number}]", deployment, outcome, expected, seen, detail, advice)]


def said(answer: Answer) -> str:
    """An answer in one line: the status, and with an error what the body says about it."""
    if answer.status == OK:
        return "200"
    body = json_of(answer.body)
    message = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(answer.body if message is None else message).split())
    return f"{answer.status_words}: {text[:SHOWN_BODY]}" if text else answer.status_words


def json_of(text: str) -> Any:
    """What a text holds, None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _compared(answer: Answer, wanted: GoldenSpec) -> tuple[Outcome, str, str, str]:
    if answer.status != OK:
        return Outcome.FAIL, said(answer), "", advice_for(answer.status)
    try:
        seen = json.loads(answer.body)
    except ValueError:
        return Outcome.FAIL, f"no JSON: {answer.body[:SHOWN_BODY]}", "", OTHER_FORM
    expected = _read(wanted.expected)
    found = list(differences(expected, seen, wanted.tolerance))
    if not found:
        return Outcome.PASS, "the same", "", ""
    shown = [str(difference) for difference in islice(found, SHOWN_DIFFERENCES)]
    rest = len(found) - len(shown)
    count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
    detail = "\n".join([*shown, *([f"and {rest} more"] if rest else [])])
    return Outcome.FAIL, count, detail, OTHER_ANSWER if same_form(expected, seen) else OTHER_FORM


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused(f"{file} cannot be read as JSON: {error}") from None
