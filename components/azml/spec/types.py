"""The scalar types that the blocks share: how a value may be spelled and what it becomes.

Owns the spellings that `az ml` accepts (enums in any case, numbers in quotes, `yes` for true), names under Azure's
rules. Each is a `Shape`, used as `Annotated[type, shape]`, and brings its JSON Schema. Deliberately
holds no limit of a single field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from azml.facts.names import TAG_VALUE_LENGTH, NameRule
from azml.spec.base import Finding, refusal


@dataclass(frozen=True, eq=False)
class Shape:
    """A value's validation and its JSON Schema."""

    core: CoreSchema
    json: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self.core

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.json)


class AnyCase:
    """A Literal's values in any case, with any separators: `AADToken`, `aad-token`, `aad_token`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = {_letters(value): value for value in get_args(source)}

        def normalise(value: Any) -> Any:
            return known.get(_letters(value), value) if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(normalise, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        values = handler(core)
        options = values["enum"] if "enum" in values else [values["const"]]
        patterns = ["[-_ ,]*".join(f"[{c.lower()}{c.upper()}]" for c in _letters(value)) for value in options]
        return {"anyOf": [{"enum": options}, {"type": "string", "pattern": f"^[-_ ,]*({'|'.join(patterns)})[-_ ,]*$"}]}


def _letters(text: str) -> str:
    return re.sub(r"[-_ ,]", "", text).lower()


PublicNetworkAccess = Annotated[Literal["enabled", "disabled"], AnyCase()]


def whole(at_least: int | None = None, at_most: int | None = None) -> Shape:
    """Shape a whole number with limits, also in quotes (`"2"`) and as the wire's float (`2.0`)."""
    limits = {"minimum": at_least, "maximum": at_most}
    number = {"type": "integer", **{key: limit for key, limit in limits.items() if limit is not None}}
    return Shape(
        core_schema.no_info_before_validator_function(_not_a_flag, core_schema.int_schema(ge=at_least, le=at_most)),
        {"anyOf": [number, {"type": "string", "pattern": r"^\s*[-+]?[0-9]+(\.0+)?\s*$"}]},
    )


def fraction(at_least: float, at_most: float) -> Shape:
    """Shape a number between limits, also in quotes."""
    return Shape(
        core_schema.no_info_before_validator_function(_not_a_flag, core_schema.float_schema(ge=at_least, le=at_most)),
        {
            "anyOf": [
                {"type": "number", "minimum": at_least, "maximum": at_most},
                {"type": "string", "pattern": "^[0-9.]+$"},
            ]
        },
    )


_DURATION = r"^P(?=.)(([0-9]+)D)?(T(?=[0-9])(([0-9]+)H)?(([0-9]+)M)?(([0-9]+([.][0-9]+)?)S)?)?$"
"""Days, hours, minutes, seconds; no years and months, whose length differs."""


_LONGEST = timedelta(days=3650)
"""Ten years: what is longer is a slip, and calendars end."""


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if found is None:
        raise refusal(
            Finding("is no duration", value=value, allowed="ISO 8601: PT30S, PT10M, PT24H, P1D", fix=_meant(value))
        )
    days, hours, minutes, seconds = (float(found[group] or 0) for group in (2, 5, 7, 9))
    if days + hours / 24 + minutes / 1440 + seconds / 86400 > _LONGEST.days:
        raise refusal(Finding("is too long", value=value, allowed=f"at most {iso(_LONGEST)}"))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


_SPOKEN = (
    r"(?:(\d+) *d(?:ays?)?)? *(?:(\d+) *h(?:(?:ou)?rs?)?)? *(?:(\d+) *m(?:in(?:ute)?s?)?)? *"
    r"(?:(\d+) *(?:s(?:ec(?:ond)?s?)?)?)?"
)
"""Days, hours, minutes and seconds as people write them: 10m, 1 h 30 min, 90."""


def _meant(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    if re.fullmatch(_DURATION, text.upper()):
        return f"write {text.upper()}"
    found = re.fullmatch(_SPOKEN, text.lower(), re.ASCII)
    if found is None or not any(found.groups()):
        return None
    days, *times = (f"{number}{unit}" if number else "" for number, unit in zip(found.groups(), "DHMS", strict=True))
    return f"write P{days}{'T' if any(times) else ''}{''.join(times)}"


def iso(duration: timedelta) -> str:
    """Write a duration as it may be written: P1D, PT1M30S. pydantic's own form has years, whose length differs."""
    hours, rest = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(rest + duration.microseconds / 1e6, 60)
    days = f"{duration.days}D" if duration.days else ""
    parts = ((f"{hours}", "H"), (f"{minutes:.0f}", "M"), (f"{seconds:.6f}".rstrip("0").rstrip("."), "S"))
    times = "".join(f"{number}{unit}" for number, unit in parts if number not in ("", "0"))
    return f"P{days}{f'T{times}' if times else ''}" if duration else "PT0S"


Duration = Annotated[
    timedelta,
    Shape(
        core_schema.no_info_plain_validator_function(
            _duration, serialization=core_schema.plain_serializer_function_ser_schema(iso, when_used="json")
        ),
        {"type": "string", "pattern": _DURATION},
    ),
]
"""A length of time in ISO 8601, as ARM has it."""


def _not_a_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise refusal(Finding("must be a number, not true or false", value=value))
    return value


_FLAG_WORDS = "[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|[tTfFyYnN01]"
Flag = Annotated[
    bool,
    Shape(
        core_schema.bool_schema(),
        {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, {"type": "string", "pattern": f"^({_FLAG_WORDS})$"}]},
    ),
]
"""True or false, also as the words that YAML 1.1 had for them (`yes`, `on`), with or without quotes."""


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value


def _loose_text(longest: int | None = None) -> Shape:
    limit = {} if longest is None else {"maxLength": longest}
    return Shape(
        core_schema.no_info_before_validator_function(_as_text, core_schema.str_schema(max_length=longest)),
        {"anyOf": [{"type": "string", **limit}, {"type": ["number", "boolean"]}]},
    )


AnyText = Annotated[str, _loose_text()]
"""Text where a number or flag is as good: `5` becomes "5", and true "True", as `az ml` sends them."""
Tags = dict[str, Annotated[str, _loose_text(TAG_VALUE_LENGTH)]]


def _version(value: Any) -> Any:
    if isinstance(value, float) and not value.is_integer():
        raise refusal(Finding("must be text: a version is not a number", value=value))
    if value in (".", ".."):  # part of the asset's address, where they mean this folder and the one above
        raise refusal(Finding("is no version", value=value, allowed="text without spaces, /, : and @, such as 1.2"))
    return str(int(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


_VERSION = r"^[^\s:@/]+$"
Version = Annotated[
    str,
    Shape(
        core_schema.no_info_before_validator_function(_version, core_schema.str_schema(pattern=_VERSION)),
        {"anyOf": [{"type": "string", "pattern": _VERSION}, {"type": "integer"}]},
    ),
]
"""The version of an asset; a whole number needs no quotes."""


def written(pattern: str, what: str, allowed: str) -> Shape:
    """Shape a text that must match a pattern, which `allowed` says in words."""

    def judge(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise refusal(Finding(f"is not {what}", value=text, allowed=allowed))

    return Shape(
        core_schema.no_info_after_validator_function(judge, core_schema.str_schema()),
        {"type": "string", "pattern": f"^{pattern}$", "description": allowed},
    )


def named(rule: NameRule) -> Shape:
    """Shape a name under Azure's rule for it."""

    def judge(name: str) -> str:
        if rule.fits(name):
            return name
        length = "" if rule.shortest <= len(name) <= rule.longest else f", and is {len(name)} characters long"
        raise refusal(Finding(f"is not a name for {rule.what}{length}", value=name, allowed=rule.allowed))

    return Shape(
        core_schema.no_info_after_validator_function(judge, core_schema.str_schema()),
        {
            "type": "string",
            "minLength": rule.shortest,
            "maxLength": rule.longest,
            "pattern": f"^{rule.pattern}$",
            "description": rule.allowed,
        },
    )


_REGION = r"^[A-Za-z][A-Za-z0-9 ]+$"
Region = Annotated[
    str,
    Shape(
        core_schema.no_info_after_validator_function(
            lambda name: name.replace(" ", "").lower(), core_schema.str_schema(pattern=_REGION)
        ),
        {"type": "string", "pattern": _REGION},
    ),
]
"""An Azure region, as `eastus` or "East US"; becomes the former."""
