"""What a request must look like, made from one that is answered.

Says what `inference-schema` says of its samples, as JSON Schema: types of values, items of arrays, keys of objects. Two
things wider, because a sample is one request of many: any number where the sample has one (a whole 1 may be 1.5 next
time), and every shape that items of one array have. Deliberately no library: what there is (genson) tells whole numbers
from others, which is wrong here, and is larger than this.
"""

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(sample: Any) -> dict[str, Any]:
    """JSON Schema of requests like this one."""
    return {"$schema": DIALECT, **_schema(sample), "examples": [sample]}


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {key: _schema(item) for key, item in value.items()},
            "required": sorted(value),
        }
    if isinstance(value, list):
        return {"type": "array", "items": _any_of([_schema(item) for item in value])}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "number"}
    return {"type": "null" if value is None else "string"}


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One schema for all: themselves where they agree, nothing where there is none."""
    different = [schema for index, schema in enumerate(schemas) if schema not in schemas[:index]]
    return {"anyOf": different} if len(different) > 1 else (different or [{}])[0]
