"""A Dockerfile read into instructions: names, words, lines.

Owns the syntax (comments, continued lines, quotes, variables, JSON forms) as the Dockerfile reference has it. What an
instruction means is `recipe`'s. Syntax that azml's generator never writes is refused with its line.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azml_local.stand_in.errors import Refused

_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z]+)\s*=\s*(?P<value>\S*)\s*")
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})")


class NotEmulated(Refused):
    """The stand-in does not do what a line of the Dockerfile asks for."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(
            f"NotImplemented: Dockerfile line {line}: {what}. The docker stand-in builds the Dockerfile that azml "
            "writes, and nothing else; other images need Docker and pulumi-docker itself"
        )


@dataclass(frozen=True)
class Instruction:
    """One instruction: its first line, its name in capitals, what follows with continued lines joined."""

    line: int
    name: str
    text: str

    def refuse(self, why: str) -> NotEmulated:
        """Make the error that says so of this instruction."""
        return NotEmulated(self.line, f"{self.name} {self.text}: {why}" if self.text else f"{self.name}: {why}")

    def strings(self) -> list[str] | None:
        """Read the JSON form, `["a", "b"]`; None where it is not that."""
        if not self.text.startswith("["):
            return None
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else None

    def words(self, variables: Mapping[str, str]) -> list[str]:
        """Split into words: quotes and backslashes taken off, variables put in. Raises `NotEmulated`."""
        return list(_words(self, variables))

    def pairs(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Read `NAME=value …`. Raises `NotEmulated`."""
        found = {}
        for word in self.words(variables):
            name, separator, value = word.partition("=")
            if not separator or not name:
                raise self.refuse(f"expected NAME=value, not {word!r}")
            found[name] = value
        return found


def read(text: str) -> list[Instruction]:
    """Read a Dockerfile. Raises `NotEmulated`."""
    found: list[Instruction] = []
    parts: list[str] = []
    began, directives = 0, True
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            directives = directives and _is_harmless(number, line)
            continue
        directives = False
        if not line:
            continue
        began = began if parts else number
        continued = line.endswith("\\")
        parts.append(line.removesuffix("\\").strip() if continued else line)
        if not continued:
            found.append(_instruction(began, parts))
            parts = []
    if parts:
        found.append(_instruction(began, parts))
    return found


def _is_harmless(number: int, comment: str) -> bool:
    """Whether parser directives may follow; refuses one that changes how the file is read."""
    match = _DIRECTIVE.fullmatch(comment)
    if match is None:
        return False
    if match["name"].lower() == "escape":
        raise NotEmulated(number, f"the parser directive {comment!r}")
    return True


def _instruction(line: int, parts: list[str]) -> Instruction:
    name, _, rest = " ".join(part for part in parts if part).partition(" ")
    made = Instruction(line, name.upper(), rest.strip())
    if made.name in {"RUN", "COPY", "ADD"} and re.search(r"(^|\s)<<-?[\"']?\w", made.text):
        raise made.refuse("here-documents")
    return made


def _words(instruction: Instruction, variables: Mapping[str, str]) -> Iterator[str]:
    text, at = instruction.text, 0
    word, quote = "", ""
    inside = False
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quote != "'" and at + 1 < len(text):
            after = text[at + 1]
            word += after if not quote or after in '"\\$' else letter + after
            at, inside = at + 2, True
        elif letter == "$" and quote != "'":
            value, at = _value(instruction, at, variables)
            word, inside = word + value, True
        elif letter == quote or (letter in "\"'" and not quote):
            quote, at, inside = "" if quote else letter, at + 1, True
        elif letter.isspace() and not quote:
            if inside:
                yield word
            word, inside, at = "", False, at + 1
        else:
            word, at, inside = word + letter, at + 1, True
    if quote:
        raise instruction.refuse(f"the quote {quote} has no end")
    if inside:
        yield word


def _value(instruction: Instruction, at: int, variables: Mapping[str, str]) -> tuple[str, int]:
    match = _VARIABLE.match(instruction.text, at)
    if match is None:
        raise instruction.refuse(f"the substitution {instruction.text[at : at + 12]!r}")
    name = match["plain"] or match["braced"]
    if name not in variables:
        raise instruction.refuse(f"${name} is set in no line above it, and the base image is not here")
    return variables[name], match.end()
