"""The gate `schema`: whether answers are what the deployment's own OpenAPI document says.

Owns the verdict. Where in the document an answer is described is `openapi`'s.

What Microsoft's inference server gives (azureml-inference-server-http 1.5.1, inference-schema 1.8): version 2 unless
`?version=` asks for another (3, 3.1), 404 for a version that the decorators do not support, and for a run() without
@output_schema an answer that is any object, which describes nothing. A `swagger.json` beside the scoring script takes
the place of version 2.
"""

from collections.abc import Sequence
from pathlib import Path

from azml.resources.gates.answers import OK, json_of, said
from azml.resources.gates.openapi import AnswerSchema
from azml.resources.gates.own_requests import OwnRequests
from azml.resources.gates.verdict import Outcome, Verdict

VERSIONS = (None, "3", "3.1")
"""The document's own version first, then those that a generated document may have as well."""
SHOWN = 5
"""How many problems a verdict lists."""
EXPECTED = "answers as the deployment's OpenAPI document describes them"
OTHER_SHAPE = (
    "What run() gives is not what its @output_schema (or swagger.json) says: clients that were written for that will "
    "fail. Make the two agree."
)
ADVICE = (
    "Decorate run() with @output_schema of the package inference-schema, put a swagger.json beside the scoring "
    "script, or remove `schema: true`."
)


def schema(asking: OwnRequests, deployment: str, requests: Sequence[Path]) -> list[Verdict]:
    """Whether the answers to these requests conform.

    A document that describes no answer is a failure: what cannot be judged does not pass, and waiting mends nothing.
    """
    described, why = _described(asking, deployment)
    if described is None:
        return [Verdict("schema", deployment, Outcome.FAIL, EXPECTED, why, advice=ADVICE)]
    answers = {request: asking.once(deployment, request) for request in requests}
    good = {request: answer for request, answer in answers.items() if answer.status == OK}
    if not good:  # why not is what `smoke` and `golden` say
        return [Verdict("schema", deployment, Outcome.UNKNOWN, EXPECTED, "no request was answered with 200")]
    problems = [
        f"{request.name}: {problem}" for request, answer in good.items() for problem in described.problems(answer.body)
    ]
    if not problems:
        return [Verdict("schema", deployment, Outcome.PASS, EXPECTED, f"{len(good)} that conform")]
    shown = [*problems[:SHOWN], *([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])]
    seen = "an answer of another shape"
    return [Verdict("schema", deployment, Outcome.FAIL, EXPECTED, seen, "\n".join(shown), OTHER_SHAPE)]


def _described(asking: OwnRequests, deployment: str) -> tuple[AnswerSchema | None, str]:
    """The first document that describes an answer, else why there is none."""
    why = ""
    for version in VERSIONS:
        answer = asking.swagger(deployment, version)
        document = json_of(answer.body) if answer.status == OK else None
        if not isinstance(document, dict):
            why = why or f"no OpenAPI document: {said(answer)}"
            continue
        if (found := AnswerSchema.of(document, asking.client.uri)) is not None:
            return found, ""
        why = "its OpenAPI document describes no answer"
    return None, why
