"""What a Dockerfile of azml's makes: layers in their order, the settings of the image, its history.

Owns which instructions are emulated and what they mean; the rest is refused, named with its line. Reads files of the
context, writes nothing: a source that is missing is found here, before anything is built or pushed.
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from azml_local.docker.context import Entry
from azml_local.docker.dockerfile import Instruction
from azml_local.stand_in.errors import Refused

_WITHOUT_EFFECT = ("conda clean", "mamba clean", "micromamba clean", "pip cache", "useradd", "groupadd", "adduser")
"""Commands that leave nothing that a process here would see: caches, and users (processes run as whoever runs us)."""
_CREATE = re.compile(r"(conda|mamba|micromamba)( env)? create")
_PIP = re.compile(r"(?P<prefix>/\S+)/bin/(python3? -m pip|pip3?) install")
_FLAGS = ("--yes", "-y", "--quiet", "-q", "--no-cache-dir", "--no-input", "--disable-pip-version-check")


@dataclass(frozen=True)
class Files:
    """A layer of files: path in the image → file of the context."""

    entries: dict[str, Entry]


@dataclass
class Environment:
    """A layer with a Python environment at `prefix`: a conda file, and requirements that are installed beside it."""

    prefix: str
    conda_file: Entry
    requirements: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A line of the image's history. `layer` is None for one that changes settings only."""

    text: str
    layer: Files | Environment | None = None


@dataclass
class Recipe:
    """All that an image is made of. Settings are named as in OCI's image configuration."""

    base: str = ""
    steps: list[Step] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)


def make(instructions: Sequence[Instruction], files: Sequence[Entry]) -> Recipe:
    """Follow the instructions over a context's files. Raises `NotEmulated`, `Refused`."""
    return _Maker(files).follow(instructions)


class _Maker:
    def __init__(self, files: Sequence[Entry]) -> None:
        self._files = {entry.name: entry for entry in files}
        self._recipe = Recipe()
        self._in_image: dict[str, Entry] = {}
        self._environment: Environment | None = None
        self._does: dict[str, Callable[[Instruction], Files | Environment | None]] = {
            "FROM": self._from,
            "COPY": self._copy,
            "RUN": self._run,
            "ENV": self._env,
            "LABEL": self._label,
            "USER": self._user,
            "WORKDIR": self._workdir,
            "EXPOSE": self._expose,
            "ENTRYPOINT": self._entrypoint,
            "CMD": self._cmd,
        }

    def follow(self, instructions: Sequence[Instruction]) -> Recipe:
        for each in instructions:
            does = self._does.get(each.name)
            if does is None:
                raise each.refuse("this instruction")
            if not self._recipe.base and each.name != "FROM":
                raise each.refuse("before FROM")
            layer = does(each)
            if each.name != "FROM":  # the history of the base is as absent as its layers
                self._recipe.steps.append(Step(f"{each.name} {each.text}", layer))
        if not self._recipe.base:
            raise Refused("failed to solve: file with no instructions")
        return self._recipe

    def _from(self, given: Instruction) -> None:
        words = given.words({})
        if self._recipe.base or len(words) != 1:
            raise given.refuse("one stage, from one image without a platform or a name")
        self._recipe.base = words[0]

    def _copy(self, given: Instruction) -> Files:
        words = given.strings() or given.words(self._recipe.env)
        while words and words[0].startswith("--"):
            option = words.pop(0)
            if not option.startswith(("--chown=", "--link")):  # owners: processes here run as whoever runs us
                raise given.refuse(option.partition("=")[0])
        if len(words) < 2:
            raise given.refuse("a source and a destination")
        *sources, goal = words
        into = goal.endswith("/") or len(sources) > 1
        copied: dict[str, Entry] = {}
        for source in sources:
            copied |= self._copied(given, source, self._place(goal), into=into)
        self._in_image |= copied
        return Files(copied)

    def _copied(self, given: Instruction, source: str, goal: str, *, into: bool) -> dict[str, Entry]:
        if re.search(r"[*?\[]", source):
            raise given.refuse("patterns")
        name = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        if name in self._files:
            return {posixpath.join(goal, posixpath.basename(name)) if into else goal: self._files[name]}
        below = f"{name}/" if name else ""
        found = {posixpath.join(goal, path[len(below) :]): entry for path, entry in self._files.items()
                 if path.startswith(below)}  # fmt: skip
        if not found:
            raise Refused(
                f"failed to solve: failed to compute cache key: failed to calculate checksum of ref: "
                f'"/{name}": not found (Dockerfile line {given.line}: {given.name} {given.text})'
            )
        return found

    def _run(self, given: Instruction) -> Environment | None:
        before = self._environment
        for command in _commands(given):
            self._command(given, command)
        return self._environment if before is None else None

    def _command(self, given: Instruction, command: list[str]) -> None:
        text = " ".join(command)
        if _CREATE.match(text):
            self._create(given, command)
        elif match := _PIP.match(text):
            self._install(given, match["prefix"], command[len(match[0].split()) :])
        elif not text.startswith(_WITHOUT_EFFECT):
            raise given.refuse(f"the command `{text}`")

    def _create(self, given: Instruction, command: list[str]) -> None:
        options = _options(given, command[command.index("create") + 1 :], {"-p": "--prefix", "-f": "--file"})
        prefix, file = options.pop("--prefix", ""), options.pop("--file", "")
        if options or not prefix or not file or self._environment is not None:
            raise given.refuse("one environment, with --prefix and --file")
        self._environment = Environment(self._place(prefix), self._made_above(given, file))

    def _install(self, given: Instruction, prefix: str, words: list[str]) -> None:
        environment = self._environment
        if environment is None or environment.prefix != prefix:
            raise given.refuse("no environment is made there above")
        rest = iter([word for word in words if word not in _FLAGS])
        for word in rest:
            if word in {"-r", "--requirement"}:
                entry = self._made_above(given, next(rest, ""))
                environment.requirements += _requirements(entry)
            elif word.startswith(("-", "/", ".")):
                raise given.refuse(f"`pip install {word}`")
            else:
                environment.requirements.append(word)

    def _made_above(self, given: Instruction, path: str) -> Entry:
        entry = self._in_image.get(self._place(path))
        if entry is None:
            raise given.refuse(f"{path} is copied in no line above it")
        return entry

    def _env(self, given: Instruction) -> None:
        self._recipe.env |= given.pairs(self._recipe.env)

    def _label(self, given: Instruction) -> None:
        self._recipe.labels |= given.pairs(self._recipe.env)

    def _user(self, given: Instruction) -> None:
        self._recipe.user = self._one(given)

    def _workdir(self, given: Instruction) -> None:
        self._recipe.folder = self._place(self._one(given))

    def _expose(self, given: Instruction) -> None:
        ports = given.words(self._recipe.env)
        self._recipe.ports += [port if "/" in port else f"{port}/tcp" for port in ports]

    def _entrypoint(self, given: Instruction) -> None:
        self._recipe.entrypoint, self._recipe.command = self._exec_form(given), []

    def _cmd(self, given: Instruction) -> None:
        self._recipe.command = self._exec_form(given)

    def _one(self, given: Instruction) -> str:
        words = given.words(self._recipe.env)
        if len(words) != 1:
            raise given.refuse("one word")
        return words[0]

    @staticmethod
    def _exec_form(given: Instruction) -> list[str]:
        found = given.strings()
        if found is None:
            raise given.refuse('write it as ["program", "argument"]: the shell form needs the base image')
        return found

    def _place(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._recipe.folder, path))


def _commands(given: Instruction) -> Iterator[list[str]]:
    """Split a RUN into the commands that follow each other with `&&`."""
    if (exec_form := given.strings()) is not None:
        yield exec_form
        return
    lexer = shlex.shlex(given.text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    try:
        words = list(lexer)
    except ValueError as error:
        raise given.refuse(str(error).lower()) from error
    for word in [*words, "&&"]:
        if word == "&&":
            if not command:
                raise given.refuse("`&&` without a command")
            yield command
            command = []
        elif re.fullmatch(r"[();<>|&]+", word) or word.startswith("--mount") or "$" in word or "`" in word:
            raise given.refuse(f"`{word}` in a command")
        else:
            command.append(word)


def _options(given: Instruction, words: Sequence[str], short: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = iter([word for word in words if word not in _FLAGS])
    for word in rest:
        name, separator, value = word.partition("=")
        if not name.startswith("-"):
            raise given.refuse(f"`{word}`")
        found[short.get(name, name)] = value if separator else next(rest, "")
    return found


def _requirements(entry: Entry) -> list[str]:
    lines = (line.partition(" #")[0].strip() for line in entry.path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
