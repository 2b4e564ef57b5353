"""Secrets that nobody marked as such, by their names and by the forms that they have in texts.

Owns what looks like one. What the engine holds for secret comes without its value (`plan`); this is for the rest: a
password in a URL, a signed URL, a connection string, JSON in a text, a private key. Hides too much rather than too
little.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

HIDDEN: Final = "(not shown)"
"""In the place of a value that looks like a secret."""
_NAME = (
    r"secret|secure|variable|appsettings|passw(?:or)?d|passphrase|pwd|token|credential|connectionstring|\bsas\b"
    r"|(?:account|access|shared|primary|secondary|instrumentation|api|private|master|encryption)[_-]?key|\bkey\d\b"
)
_LOOKS_SECRET = re.compile(_NAME, re.IGNORECASE)
_NOT_YET = r"(?!\(not shown)"
_IN_TEXTS = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        HIDDEN,
    ),
    (re.compile(rf"(?<=://)([^/\s:@]*):{_NOT_YET}[^/\s@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(rf"(?<=[?&;])(sig|code)={_NOT_YET}[^\s&;\"'\\]+", re.IGNORECASE), rf"\1={HIDDEN}"),
    (re.compile(rf"((?:{_NAME})[\w.-]{{0,40}})={_NOT_YET}[^\s;&,\"'\\]+", re.IGNORECASE), rf"\1={HIDDEN}"),
    (re.compile(r"\b([Bb]earer|[Bb]asic) +(?=\S*\d)[\w.~+/=-]{16,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (
        re.compile(rf"((?:{_NAME})[^\"\\]{{0,40}}(\\*\")(?:\s*,\s*\2value\2)?\s*:\s*\2)(?:(?!\2).)*", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)
"""Forms, and what is left of them: private keys, a URL's password, a signature, NAME=VALUE, tokens, JSON's members."""

_ARGUMENTS = frozenset({"args", "buildArg", "buildArgs"})
"""Arguments of a build, as docker's providers call them: any of them may be a password, whatever it is called."""

_MARKS = ("=", '"', "://", "eyJ", "earer ", "asic ", "-----BEGIN ")
"""A form has one of them. Most lines have none, and a plan may have ten thousand."""


def looks_secret(name: str) -> bool:
    """Whether a value of that name is better not shown."""
    return _LOOKS_SECRET.search(name) is not None


def in_text(text: str) -> str:
    """A text without what looks like a secret in it. Twice is as good as once."""
    if not any(mark in text for mark in _MARKS):
        return text
    for form, rest in _IN_TEXTS:
        text = form.sub(rest, text)
    return text


def in_value(value: Any) -> Any:
    """A value without what looks like a secret: members by their names, texts by their form, JSON in texts too."""
    if isinstance(value, str):
        return _read(value) if value.lstrip()[:1] in ("{", "[") else in_text(value)
    if isinstance(value, list):
        return [in_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    said = any(isinstance(value.get(name), str) and looks_secret(value[name]) for name in ("name", "key"))
    return {
        key: HIDDEN if looks_secret(key) or (said and key == "value") else in_value(item) for key, item in value.items()
    }


def in_build(value: Any, within: Iterable[str] = ()) -> Any:
    """What docker builds an image of, without the values of its build arguments. `within`: names of what it is in."""
    if not _ARGUMENTS.isdisjoint(within):
        return dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else None if value is None else HIDDEN
    if isinstance(value, dict):
        return {name: in_build(item, [name]) for name, item in value.items()}
    return [in_build(item) for item in value] if isinstance(value, list) else value


def _read(text: str) -> str:
    try:
        return json.dumps(in_value(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return in_text(text)
