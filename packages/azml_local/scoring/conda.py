"""A conda file, read as what uv can install: a Python version, requirements, variables.

Channels, `name` and `prefix` mean nothing here. What cannot be honoured is refused by name with the way out, all
problems at once; what is left out on purpose becomes a note for the log. Installing is `environments`'.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from azml_local.scoring.conda_names import COMES_WITH_WHEELS, NOT_HERE, OTHERWISE_NAMED
from azml_local.scoring.contract import DeploymentFailed

_ITEM = re.compile(r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.\-]*)\s*(?P<rest>.*)", re.DOTALL)
_BRACKETS = re.compile(r"\[\s*version\s*=\s*['\"]?(?P<version>[^'\"\]]+)['\"]?\s*\]")
_CLAUSE = re.compile(r"(?P<op>==|>=|<=|~=|!=|>|<|=)?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_]*(?:\.?\*)?)")
_FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")


@dataclass(frozen=True)
class CondaFile:
    """`python` is a version specifier such as `==3.11.*`; `requirements` are lines of a pip requirements file."""

    python: str | None = None
    requirements: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(text: str | None) -> CondaFile:
    """Read a conda file's text. Raises `DeploymentFailed` (ImageBuildFailure) that names every problem."""
    reader = _Reader()
    data = reader.load(text or "")
    for item in reader.list(data.get("dependencies"), "dependencies"):
        reader.dependency(item)
    variables = data.get("variables") or {}
    if reader.problems:
        lines = "\n".join(f"  - {problem}" for problem in reader.problems)
        raise DeploymentFailed("ImageBuildFailure", f"The conda file cannot be built here:\n{lines}")
    return CondaFile(
        reader.python,
        tuple(reader.requirements),
        {str(name): str(value) for name, value in variables.items()},
        tuple(reader.notes),
    )


class _Reader:
    def __init__(self) -> None:
        self.python: str | None = None
        self.requirements: list[str] = []
        self.notes: list[str] = []
        self.problems: list[str] = []

    def load(self, text: str) -> dict[str, Any]:
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            self.problems.append(f"it is not YAML: {' '.join(str(error).split())}")
            return {}
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.problems.append(f"it must be a map with a list `dependencies`, not {type(data).__name__}")
            return {}
        return data

    def list(self, value: Any, where: str) -> list[Any]:
        if value is None or isinstance(value, list):
            return value or []
        self.problems.append(f"`{where}` must be a list, not {value!r}")
        return []

    def dependency(self, item: Any) -> None:
        if isinstance(item, dict) and list(item) == ["pip"]:
            for line in self.list(item["pip"], "pip"):
                self.pip_line(str(line).strip())
        elif isinstance(item, str):
            self.package(item.strip())
        else:
            self.problems.append(f"{item!r}: a dependency is a text such as `numpy=1.26`, or the map `pip: [...]`")

    def pip_line(self, line: str) -> None:
        if re.split(r"[ =]", line, maxsplit=1)[0] in _FILE_OPTIONS:
            self.problems.append(
                f"pip: `{line}` points to a file; only the conda file itself reaches the build: write the packages"
            )
        elif line:
            self.requirements.append(line)

    def package(self, item: str) -> None:
        match = _ITEM.fullmatch(item)
        version = None if match is None else self.version(match["rest"])
        if match is None or version is None:
            self.problems.append(
                f"`{item}` is not understood; write `name`, `name=1.2`, `name==1.2.3` or `name>=1.2,<2`"
            )
            return
        name = match["name"].lower()
        if name == "python":
            self.python = version or None
        elif name == "pip":
            pass  # conda asks for it to be said; uv does its work here
        elif name in NOT_HERE:
            self.problems.append(f"`{item}` {NOT_HERE[name]}")
        elif name in COMES_WITH_WHEELS:
            self.notes.append(f"conda package {item} left out: wheels bring what they need")
        else:
            self.requirements.append(f"{OTHERWISE_NAMED.get(name, name)}{version}")

    @staticmethod
    def version(rest: str) -> str | None:
        """The PEP 440 specifier for what follows a name; None if it is none. `=1.2` and ` 1.2` are fuzzy in conda."""
        brackets = _BRACKETS.fullmatch(rest)
        text = brackets["version"] if brackets else rest
        clauses = []
        for part in (part.strip() for part in text.split(",")):
            if part in ("", "*"):
                continue
            exact = re.fullmatch(r"(={0,2}\s*[^=\s<>!~]+)(?:=|\s+)[^=\s]+", part)  # a build string, which no wheel has
            match = _CLAUSE.fullmatch(exact[1] if exact else part)
            if match is None:
                return None
            clauses.append(_clause(match["op"] or "=", match["version"], exact=exact is not None))
        return ",".join(clauses)


def _clause(op: str, version: str, *, exact: bool) -> str:
    plain = version.rstrip("*").rstrip(".")
    if op in ("=", "=="):
        fuzzy = version.endswith("*") or (op == "=" and not exact)
        return f"=={plain}.*" if fuzzy else f"=={plain}"
    if op == "!=":
        return f"!={version}"
    return f"{op}{plain}"
