"""The gate `schema`, on documents that Microsoft's server gave (azureml-inference-server-http 1.5.1) and on others'."""

import json
from pathlib import Path
from typing import Any

import pytest

from azml.resources.gates.openapi import AnswerSchema
from azml.resources.gates.verdict import Outcome, Verdict
from tests.unit.resources.gates.conftest import Releases

RECORDED = Path(__file__).parent / "recorded"
URI = "https://churn.eastus.inference.ml.azure.com/score"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"swagger-{name}.json").read_text())
    return found


def problems(document: dict[str, Any], answer: Any) -> list[str]:
    described = AnswerSchema.of(document, URI)
    assert described is not None
    return list(described.problems(json.dumps(answer)))


def judged(releases: Releases, documents: dict[str, Any], answer: Any) -> Verdict:
    releases.new.swagger, releases.new.answer = documents, lambda _body: (200, answer)
    return releases.asked({"smoke": [releases.file({})], "schema": True})[-1]


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([152.1, 3], []),
        ([], []),
        ([152.1, "x"], ["$[1]: 'x' is not of type 'number'"]),
        ({"result": [1.0]}, ["$: {'result': [1.0]} is not of type 'array'"]),
    ],
)
def test_a_decorated_run(version: str, answer: Any, said: list[str]) -> None:
    assert problems(recorded(f"decorated.{version}"), answer) == said


@pytest.mark.parametrize("name", ["undecorated.2", "input-only.2"])
def test_a_document_that_describes_no_answer_judges_none(name: str) -> None:
    assert AnswerSchema.of(recorded(name), URI) is None


def own(schema: dict[str, Any], openapi: str = "3.0.3", path: str = "/score", status: str = "200") -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}}}
    return {
        "openapi": openapi,
        "paths": {path: {"post": {"responses": {status: answer, "default": {"description": "an error"}}}}},
        "components": {"schemas": {"Answer": schema, "Label": {"type": "string", "enum": ["yes", "no"]}}},
    }


def test_a_document_of_ones_own() -> None:
    """References between schemas, required fields, OpenAPI's own way to say null, and its old way to say exclusive."""
    schema = {
        "type": "object",
        "required": ["label"],
        "properties": {
            "label": {"$ref": "#/components/schemas/Label"},
            "score": {"type": "number", "nullable": True, "minimum": 0, "exclusiveMinimum": True},
        },
    }
    assert problems(own(schema), {"label": "yes", "score": None}) == []
    assert problems(own(schema), {"label": "perhaps", "score": 0}) == [
        "$.label: 'perhaps' is not one of ['yes', 'no']",
        "$.score: 0 is not valid under any of the given schemas",
    ]
    assert problems(own(schema), {}) == ["$: 'label' is a required property"]


def test_openapi_3_1_is_json_schema() -> None:
    schema = {"type": ["array", "null"], "prefixItems": [{"type": "string"}]}
    assert problems(own(schema, "3.1.0"), None) == []
    assert problems(own(schema, "3.1.0"), [1]) == ["$[0]: 1 is not of type 'string'"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"paths": None},
        {"paths": {"/score": {"get": {}}}},
        own({"type": "array"}, status="default"),
        own({"$ref": "#/components/schemas/Answer"}),
        own({"type": "object", "additionalProperties": {"type": "object"}}),
        own({}),
    ],
)
def test_documents_that_say_nothing(document: dict[str, Any]) -> None:
    assert AnswerSchema.of(document, URI) is None


def test_the_route_of_another_server() -> None:
    """The endpoint's /score leads to the route of the container, which its document names."""
    assert problems(own({"type": "array"}, path="/v1/predict"), {}) == ["$: {} is not of type 'array'"]


def test_the_newcomers_own_document_counts(releases: Releases) -> None:
    releases.old.swagger = {"": recorded("undecorated.2")}
    assert judged(releases, {"": recorded("decorated.2")}, [1.0]).outcome is Outcome.PASS


def test_an_answer_of_another_shape(releases: Releases) -> None:
    verdict = judged(releases, {"": recorded("decorated.2")}, {"result": 1})
    assert (verdict.gate, verdict.outcome) == ("schema", Outcome.FAIL)
    assert verdict.detail == "request.json: $: {'result': 1} is not of type 'array'"


def test_a_run_that_version_2_cannot_describe(releases: Releases) -> None:
    """The server then has a document of version 3 only."""
    assert judged(releases, {"3": recorded("mixed-list.3")}, [[1.0]]).outcome is Outcome.PASS


@pytest.mark.parametrize("documents", [{}, {"": recorded("undecorated.2"), "3": {}}, {"": b"<html>"}])
def test_what_cannot_be_judged_does_not_pass(releases: Releases, documents: dict[str, Any]) -> None:
    verdict = judged(releases, documents, [1.0])
    assert verdict.outcome is Outcome.FAIL
    assert "@output_schema" in verdict.advice


def test_without_a_good_answer_nothing_is_known(releases: Releases) -> None:
    releases.new.swagger, releases.new.answer = {"": recorded("decorated.2")}, lambda _body: (500, {})
    found = releases.asked({"smoke": [releases.file({})], "schema": True})
    assert [verdict.outcome for verdict in found] == [Outcome.FAIL, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"type": "array", "items": {"$ref": "#/components/schemas/Missing"}},
        {"type": "array", "items": {"type": "file"}},
        {"type": "array", "items": {"type": "object", "required": True}},
        {"type": "array", "items": {"type": "string", "pattern": "("}},
    ],
)
def test_a_document_that_is_wrong_itself(schema: dict[str, Any]) -> None:
    (said,) = problems(own(schema), [{}, "x"] if "required" in str(schema) else ["x"])
    assert said.startswith("the document itself is wrong: ")
