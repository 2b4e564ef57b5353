"""Ways through the models: which block and which field a path leads to.

Owns the walk over annotations. Deliberately judges nothing.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from azml.spec.base import At, Spec


@cache
def _options(annotation: Any) -> tuple[Any, ...]:
    """Return the types that a value of an annotation may have: unions and Annotated taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _options(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return tuple(option for part in get_args(annotation) for option in _options(part))
    return (annotation,)


def specs_in(annotation: Any) -> Iterator[type[Spec]]:
    """Name the blocks that a field may hold, alone, in a list or in a map."""
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, Spec):
            yield option
        elif get_origin(option) in {list, dict}:
            yield from specs_in(get_args(option)[-1])


def path_to(data: Any, location: Sequence[str | int]) -> At:
    """Strip the tags of unions (`<map>`) from pydantic's location."""
    path: list[str | int] = []
    for part in location:
        here = isinstance(data, dict) and part in data
        if not here and isinstance(part, str) and part.startswith("<") and part.endswith(">"):
            continue
        path.append(part)
        data = _entry(data, part)
    return tuple(path)


def spec_at(model: type[Spec], data: Any, path: Sequence[str | int]) -> type[Spec] | None:
    """Return the block at a path, None where there is something else."""
    annotation = _annotation(model, data, path)
    for part in path:
        data = _entry(data, part)
    return _best(annotation, data)


def field_of(model: type[Spec], data: Any, path: At) -> FieldInfo | None:
    """Return the field that a path ends with, None for entries of maps and items of lists."""
    if not path:
        return None
    owner = spec_at(model, data, path[:-1])
    return owner.model_fields.get(str(path[-1])) if owner is not None else None


def _annotation(model: Any, data: Any, path: Sequence[str | int]) -> Any:
    annotation = model
    for part in path:
        annotation = _step(annotation, data, part)
        data = _entry(data, part)
    return annotation


def _entry(data: Any, part: str | int) -> Any:
    """Return what is there; None where validation has rearranged what was written."""
    inside = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
    return data[part] if inside else None


def _step(annotation: Any, data: Any, part: str | int) -> Any:
    spec = _best(annotation, data)
    if spec is not None and part in spec.model_fields:
        return spec.model_fields[str(part)].annotation
    for option in _options(annotation):
        if get_origin(option) is (list if isinstance(part, int) else dict):
            return get_args(option)[-1]
    return None


def _best(annotation: Any, data: Any) -> type[Spec] | None:
    """Choose the block that a map was probably meant to be: the one that shares most keys with it."""
    specs = [option for option in _options(annotation) if isinstance(option, type) and issubclass(option, Spec)]
    keys = set(data) if isinstance(data, dict) else set()
    return max(specs, key=lambda spec: len(keys & set(spec.model_fields)), default=None)
