"""Whatever the files of a stack hold, `azml validate` says what is wrong, and where. It never falls.

The files are the repository's own, with one of them bent: text that people type by accident, what YAML allows and
nobody expects, bytes that are no text. Every problem must name a file, a line that it has, and what to do about it.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from azml_cli.__main__ import app

ROOT = Path(__file__).parents[3]
FILES = [
    "Pulumi.yaml",
    "stacks/Pulumi.dev.yaml",
    "stacks/layers/base.yaml",
    "samples/diabetes/endpoint.yml",
    "samples/diabetes/deployment.yml",
]
STACK = "stacks/Pulumi.dev.yaml"
ESTATE = "config:\n  serving:estate:\n    stage: dev\n    workspace: {name: mlw-fuzz, location: eastus}\n"
unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

ODDITIES = [
    *("\t", "  ", "\n", "\r\n", "\r", "\ufeff", "\u2028", "\x00", "\x1b", "\x85", "\ud7ff", "\ue000", "\U0001f600"),
    *("&a ", "*a", "<<: *a", "<<: 1", "!!binary x", "!!int x", "!!timestamp 1", "!!set {a}", "!local x", "! 1"),
    *("!!python/object/apply:os.system [x]", "---\n", "...\n", "%YAML 1.2\n", "? ", ": ", "- ", "| ", ">-", "# "),
    *("{", "}", "[", "]", "{{ x }}", "${x}", "'", '"', "\\", '"\\ud800"', '"\\x1b[2J"', "~", "null", "yes", "''"),
    *(
        ".nan",
        "-.inf",
        "1e999",
        "9" * 30,
        "1" * 400,
        "-" + "9" * 5000,
        "0" + "7" * 5000,
        "1_0",
        "0o9",
        "-0",
        "2024-13-45",
        "1:2",
    ),
    *("file: .", "file: nowhere.yml", "file: [x]", "file: deployment.yml", "extends: .", "extends: Pulumi.dev.yaml"),
    *("extends: layers/base.yaml", "secure: v1:x", "name: x", "name: null", "existing: x", "tags: {file: {a: 1}}"),
]
NATURAL = {name: (ROOT / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "samples", folder / "samples", ignore=shutil.ignore_patterns("*.yml"))
    shutil.copy(ROOT / "samples/diabetes/conda.yml", folder / "samples/diabetes/conda.yml")
    for name, content in NATURAL.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@contextlib.contextmanager
def bent(project: Path, files: dict[str, bytes]) -> Iterator[None]:
    """Other contents for some files, while the block runs."""
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    try:
        with contextlib.chdir(project):
            yield
    finally:
        for name in files:
            if name in NATURAL:
                (project / name).write_bytes(NATURAL[name])
            else:
                (project / name).unlink()


def not_json(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def validated() -> list[dict[str, Any]]:
    """The problems that `azml validate dev` finds, each of them judged here; the text for people must agree."""
    machine = CliRunner().invoke(app, ["validate", "dev", "--json"])
    assert isinstance(machine.exception, SystemExit | None), repr(machine.exception)
    problems: list[dict[str, Any]] = json.loads(machine.stdout, parse_constant=not_json)["dev"]
    assert machine.exit_code == (1 if problems else 0)
    for problem in problems:
        assert_helpful(problem)
    people = CliRunner().invoke(app, ["validate", "dev"])
    assert isinstance(people.exception, SystemExit | None), repr(people.exception)
    assert people.exit_code == machine.exit_code
    assert "Traceback" not in people.output
    return problems


def assert_helpful(problem: dict[str, Any]) -> None:
    """File, line and column lead to something; it is said what is allowed, or what to do."""
    says_it = re.search(r"\bmust\b|there is no such key: ", problem["what"])
    assert says_it or problem.get("fix") or problem.get("allowed"), problem
    content = Path(problem["file"]).read_bytes().decode("utf-8", "replace")
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", content)
    assert 1 <= problem["line"] <= len(lines), problem
    assert 1 <= problem["column"] <= len(lines[problem["line"] - 1]) + 1, problem


Lines = list[str]


@st.composite
def slips(draw: st.DrawFn) -> dict[str, bytes]:
    """One of the repository's files with up to four slips in it, and then saved in some way."""
    name = draw(st.sampled_from(FILES))
    lines = NATURAL[name].decode().split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(slipped(lines[at]))
    return {name: saved(draw(st.sampled_from(sorted(WAYS_TO_SAVE))), "\n".join(lines))}


def slipped(line: str) -> st.SearchStrategy[Lines]:
    """What becomes of a line: gone, twice, moved, with another value, with something odd in it, cut."""
    key = line.partition(":")[0]
    columns, oddities = st.integers(0, len(line)), st.sampled_from(ODDITIES)
    return st.one_of(
        st.just(Lines()),
        st.just([line, line]),
        st.integers(1, 6).map(lambda by: [" " * by + line]),
        st.integers(1, 4).map(lambda by: [line[by:]]),
        oddities.map(lambda odd: [f"{key}: {odd}"]),
        oddities.map(lambda odd: [f"{key}: {odd}"]),
        st.builds(lambda at, odd: [line[:at] + odd + line[at:]], columns, oddities),
        columns.map(lambda at: [line[:at]]),
    ).map(lambda lines: lines or [""])


WAYS_TO_SAVE: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "bom": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "latin-1": lambda text: text.replace("An ", "\xc4n ").encode("latin-1", "replace"),
}


def saved(way: str, text: str) -> bytes:
    return WAYS_TO_SAVE[way](text)


def test_the_files_as_they_are_have_no_problem(project: Path) -> None:
    with bent(project, {}):
        assert validated() == []


@settings(unhurried, max_examples=300)
@given(slips())
def test_slips(project: Path, files: dict[str, bytes]) -> None:
    with bent(project, files):
        validated()


@unhurried
@given(st.sampled_from(FILES), st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
@example("Pulumi.yaml", b"")
@example(STACK, b"")
@example(STACK, b"\xff\xfe")
@example(STACK, b"config: [1]\n")
@example(STACK, b"config: {serving:estate: }\n")
def test_anything_at_all(project: Path, name: str, content: bytes) -> None:
    with bent(project, {name: content}):
        validated()


BOMB = ", ".join(["*x"] * 9)
OVERRIDES = {
    "an alias bomb": "tags:\n  a: &x [1]\n" + "".join(f"  {c}: &x [{', '.join(['*x'] * 20)}]\n" for c in "bcdefghij"),
    "a merge bomb": "a0: &x {a: 1}\n" + "".join(f"a{n}: &x\n  <<: [{BOMB}]\n  k{n}: *x\n" for n in range(1, 12)),
    "an alias of itself": "tags: &a {b: *a}\n",
    "a key twice": "tags: {a: x}\ntags: {b: y}\n",
    "ten thousand brackets": "tags: " + "[" * 10_000 + "]" * 10_000 + "\n",
    "ten thousand levels": "".join("  " * n + "tags:\n" for n in range(1000)),
    "a very long line": "tags: {a: " + "x" * 1_000_000 + "}\n",
    "a huge number": "tags: {a: " + "9" * 100_000 + "}\n",
    "blocks in blocks": "models: " + "{models: " * 60 + "{}" + "}" * 60 + "\n",
    "a layer that is a folder": "extends: [layers]\n",
    "a layer that is not there": "extends: [layers/bas.yaml]\n",
    "a layer above the root": "extends: [" + "../" * 60 + "etc/hostname]\n",
    "a layer that is no text": "extends: [1, {a: b}, [c]]\n",
    "a layer without a name": "extends: ['']\n",
    "a link that goes in circles": "extends: [loop.yaml]\n",
    "a file that is no YAML": "models: [{file: ../samples/diabetes/model/diabetes.joblib}]\n",
    "itself as a layer": "extends: Pulumi.dev.yaml\n",
    "itself as a file": "models: [{file: Pulumi.dev.yaml}]\n",
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_traps(project: Path, name: str) -> None:
    loop = project / "stacks/loop.yaml"
    if not loop.is_symlink():
        loop.symlink_to(loop)
    indented = "".join(f"    {line}\n" for line in OVERRIDES[name].splitlines())
    with bent(project, {STACK: (ESTATE + indented).encode()}):
        assert validated()


@pytest.mark.parametrize(
    "kind", ["extends: [{0}.yaml, {0}.yaml]\n", "deployments: [{{file: {0}.yaml}}, {{file: {0}.yaml}}]\n"]
)
def test_files_that_name_each_other_twice(project: Path, kind: str) -> None:
    """Two to the power of the number of files, if each were read as often as it is named."""
    files = {f"stacks/f{n}.yaml": kind.format(f"f{n + 1}").encode() for n in range(40)}
    first = "    extends: f0.yaml\n" if "extends" in kind else "    online_endpoints: [{name: x, file: f0.yaml}]\n"
    with bent(project, {**files, "stacks/f40.yaml": b"name: x\n", STACK: (ESTATE + first).encode()}):
        assert validated()


@pytest.mark.parametrize("kind", ["extends: {0}.yaml\n", "model: {{model: {{model: {{file: {0}.yaml}}}}}}\n"])
def test_a_thousand_files_in_a_row(project: Path, kind: str) -> None:
    files = {f"stacks/f{n}.yaml": kind.format(f"f{n + 1}").encode() for n in range(1000)}
    first = "    extends: f0.yaml\n" if "extends" in kind else "    models: [{name: x, file: f0.yaml}]\n"
    with bent(project, {**files, "stacks/f1000.yaml": b"name: x\n", STACK: (ESTATE + first).encode()}):
        assert validated()
