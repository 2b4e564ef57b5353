"""What an OpenAPI document says about an answer, and whether an answer conforms.

Owns finding the schema of the answer, in Swagger 2.0 and OpenAPI 3. The schema itself is JSON
Schema (draft 4's words up to OpenAPI 3.0, 2020-12 from 3.1 on): checking a value against it is `jsonschema`'s.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from azml.spec.request_schema import dialect, nullable

ROOT = "urn:openapi"
"""What the document is called while it is looked into; references in it start at its root."""
SAYS_NOTHING = frozenset({"type", "example", "examples", "description", "title", "additionalProperties"})
"""Keys of the schema that is there where nobody described the answer: some object."""
JSON = "application/json"


@dataclass(frozen=True)
class AnswerSchema:
    """The part of a document that describes the answer with status 200."""

    document: Mapping[str, Any]
    pointer: str
    """Where it is in the document: a JSON pointer."""

    @classmethod
    def of(cls, document: Mapping[str, Any], uri: str) -> Self | None:
        """The schema of what a POST to this address gives; None where it is missing, or any object will do."""
        for path, operation in _posts(document, uri):
            for status, answer in (operation.get("responses") or {}).items():
                if str(status) not in ("200", "2XX") or not isinstance(answer, Mapping):
                    continue
                at = ["paths", path, "post", "responses", status]
                at += ["schema"] if "schema" in answer else ["content", JSON, "schema"]
                found = cls(document, "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in at))
                if _says_something(found._schema()):
                    return found
        return None

    def problems(self, body: str) -> Iterator[str]:
        """What does not conform in an answer, each with its JSON path."""
        try:
            answer = json.loads(body)
        except ValueError:
            yield f"is no JSON: {body[:60]}"
            return
        from jsonschema.exceptions import UnknownType
        from referencing.exceptions import Unresolvable

        try:
            for error in self._validator().iter_errors(answer):
                yield f"{error.json_path}: {error.message}"
        except (UnknownType, Unresolvable, TypeError, re.error) as error:  # of schemas that are none
            yield f"the document itself is wrong: {str(error).splitlines()[0]}"

    def _validator(self) -> Any:
        from jsonschema import Draft4Validator, Draft202012Validator
        from referencing import Registry
        from referencing.jsonschema import DRAFT4, DRAFT202012

        newest = dialect(self.document) == Draft202012Validator.META_SCHEMA["$id"]
        words, validator = (DRAFT202012, Draft202012Validator) if newest else (DRAFT4, Draft4Validator)
        registry: Registry[Any] = Registry().with_resource(ROOT, words.create_resource(nullable(self.document)))
        return validator({"$ref": f"{ROOT}#{self.pointer}"}, registry=registry)

    def _schema(self) -> Any:
        """The schema, behind references within the document."""
        pointer, seen = self.pointer, set[str]()
        while True:
            found: Any = self.document
            for part in pointer.lstrip("/").split("/"):
                found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            reference = found.get("$ref") if isinstance(found, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return found
            if reference in seen:
                return None
            seen.add(reference)
            pointer = reference[1:]


def _posts(document: Mapping[str, Any], uri: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The POSTs of a document; that of the address itself, where it is there, and no other."""
    paths = document.get("paths")
    posts = {
        path: item["post"]
        for path, item in (paths.items() if isinstance(paths, Mapping) else ())
        if isinstance(item, Mapping) and isinstance(item.get("post"), Mapping)
    }
    own = urlsplit(uri).path
    yield from ((path, post) for path, post in posts.items() if path == own or own not in posts)


def _says_something(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    return schema.get("type") not in (None, "object") or bool(schema.keys() - SAYS_NOTHING)
