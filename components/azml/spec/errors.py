"""What went wrong, where, and what to do: the errors of the spec.

Owns their form. Deliberately does not know pydantic or YAML.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `file`, `line` and `column` (from 1) are None where no file is involved."""

    what: str
    file: Path | None = None
    line: int | None = None
    column: int | None = None
    path: str = ""
    """Where in the estate, with names instead of indexes: online_endpoints.churn.deployments.blue.instance_type."""
    value: Any = None
    allowed: str | None = None
    fix: str | None = None
    excerpt: str | None = None
    """The line of a file that could not be read."""

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and compilers write it; empty without a file."""
        if self.file is None:
            return ""
        return ":".join(str(part) for part in (shown(self.file), self.line, self.column) if part is not None)

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        subject = f"{self.path}: " if self.path else ""
        lines = [f"{head}error: {subject}{self.what}"]
        if self.excerpt is not None:
            lines.append(f"    {self.excerpt}")
        if self.value is not None:
            lines.append(f"    value:   {_short(self.value)}")
        if self.allowed is not None:
            lines.append(f"    allowed: {self.allowed}")
        if self.fix is not None:
            lines.append(f"    fix:     {self.fix}")
        return "\n".join(lines)

    def wire(self) -> dict[str, Any]:
        """The problem for machines; what is not known is left out."""
        fields = {
            field: getattr(self, field)
            for field in ("file", "line", "column", "path", "what", "value", "allowed", "fix")
        }
        return {field: value for field, value in fields.items() if value is not None}


class SpecError(Exception):
    """The estate is not valid. `problems` holds everything that is wrong, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=_order)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def _order(problem: Problem) -> tuple[str, int, int]:
    return str(problem.file or ""), problem.line or 0, problem.column or 0


def shown(file: Path) -> str:
    """Name a file as a person in the working folder would."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _short(value: Any) -> str:
    text = value.replace("\n", "\\n") if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
