"""What a request must look like, as people write it down: JSON Schema, or an OpenAPI document with POST /score.

Owns reading such files and holding a sample to them. Deliberately makes none, and judges no answer (`resources.gates`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCORE = "/score"
"""Route of a request to the inference server (azureml-inference-server-http)."""


def request_schema(document: Any) -> Any:
    """Return the schema of a request's body from JSON Schema (as it is) or OpenAPI 2 or 3; None where it has none."""
    if not isinstance(document, dict):
        return document if isinstance(document, bool) else None
    if "openapi" not in document and "swagger" not in document:
        return document
    operation = _at(document, "paths", SCORE, "post")
    body = _at(operation, "requestBody", "content", "application/json", "schema")
    if body is None:
        parameters = _at(operation, "parameters") or []
        body = next((_at(one, "schema") for one in parameters if _at(one, "in") == "body"), None)
    if body is None:
        return None
    # References start at the root of the document, so the body's schema takes the rest along.
    return {**nullable(document), "$schema": dialect(document), "allOf": [nullable(body)]}


def dialect(document: Mapping[str, Any]) -> str:
    """Which JSON Schema an OpenAPI document speaks: draft 4's words up to 3.0, 2020-12 from 3.1 on."""
    newest = str(document.get("openapi", "")).startswith("3.1")
    return "https://json-schema.org/draft/2020-12/schema" if newest else "http://json-schema.org/draft-04/schema#"


def nullable(value: Any) -> Any:
    """OpenAPI 3.0 (and, by custom, Swagger 2.0) says "or null" beside the type, JSON Schema says it as a type."""
    if isinstance(value, list):
        return [nullable(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    plain = {key: nullable(item) for key, item in value.items()}
    if value.get("nullable") is True or value.get("x-nullable") is True:
        return {"anyOf": [{"type": "null"}, plain]}
    return plain


def problem(file: Path) -> str | None:
    """Say what keeps a JSON file from being a request's schema."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    schema = request_schema(json.loads(file.read_bytes()))
    if schema is None:
        return f"says nothing of a request: it has no POST {SCORE} with a body of application/json"
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return f"is no JSON Schema: {error.json_path}: {error.message}"
    return None


def mismatch(schema_file: Path, sample_file: Path) -> str | None:
    """Say what in a sample is not as its schema wants it."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing.exceptions import Unresolvable

    schema = request_schema(json.loads(schema_file.read_bytes()))
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    try:
        wrong = best_match(validator.iter_errors(json.loads(sample_file.read_bytes())))
    except Unresolvable as error:
        return f"the schema has a reference that leads nowhere: {error}"
    return None if wrong is None else f"{wrong.json_path}: {wrong.message}"


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
