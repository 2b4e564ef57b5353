"""From pydantic's errors to problems a person can act on.

Owns the words. Deliberately knows no rule: findings come as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from azml.spec.base import REFUSED
from azml.spec.errors import Problem, SpecError


def located(error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]) -> SpecError:
    """Turn a validation error into the error that people see."""
    problems = []
    for detail in error.errors():
        if detail["type"] == REFUSED:
            for finding in detail["ctx"]["findings"]:
                at = ".".join(str(part) for part in (*detail["loc"], *finding.at))
                problems.append(
                    Problem(finding.what, path=at, value=finding.value, allowed=finding.allowed, fix=finding.fix)
                )
        else:
            problems.append(
                Problem(detail["msg"], path=".".join(str(part) for part in detail["loc"]), value=detail["input"])
            )
    return SpecError(problems)
