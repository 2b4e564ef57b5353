"""What a reader of a Markdown document is told to type, and what it says they will see.

Owns finding it: fenced blocks of commands, tables of commands, output, snippets. Deliberately runs nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

SHELLS = {"console", "bash", "sh"}
COMMAND_COLUMNS = {"do", "you do"}
"""Headers of table columns whose cells may begin with a command in backticks."""
_FENCE = re.compile(r"^(\s*)(`{3,})\s*(\S*)\s*$")
_MARK = re.compile(r"<!--\s*(needs Azure|run by (\S+))\s*-->")
_ENDING = re.compile(r"`([^`]+)` ends like this:\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block. `before` is the last line of text above it, `line` that of its first line, from 1."""

    file: Path
    line: int
    language: str
    before: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Command:
    """What is typed. `elsewhere` says who runs it if not the reader of this document on a machine without Azure."""

    file: Path
    line: int
    text: str
    output: str = ""
    """What the document shows under it; empty where it shows nothing."""
    elsewhere: str | None = None

    @property
    def place(self) -> str:
        return f"{self.file.name}:{self.line}"


def blocks(file: Path) -> Iterator[Block]:
    """Every fenced block of a document."""
    block, indent, before = None, "", ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if block is None and fence is not None:
            indent, block = fence[1], Block(file, number + 1, fence[3], before)
        elif block is not None and fence is not None and not fence[3]:
            yield block
            block, before = None, ""
        elif block is not None:
            block.lines.append(line.removeprefix(indent))
        elif line.strip():
            before = line
    assert block is None, f"{file}: a block is not closed"


def commands(file: Path) -> list[Command]:
    """Everything that a document tells people to type, in its order."""
    typed = [command for block in blocks(file) if block.language in SHELLS for command in _of_block(block)]
    return sorted([*typed, *_of_tables(file)], key=lambda command: command.line)


def endings(file: Path) -> dict[str, str]:
    """How the output of commands ends, by command: "`make up` ends like this:" and a block."""
    return {found[1]: block.text for block in blocks(file) if (found := _ENDING.search(block.before))}


def _of_block(block: Block) -> list[Command]:
    """`$ ` begins a command, `> ` continues it, anything else is what it prints. A script is one command."""
    mark = _MARK.search(block.before)
    elsewhere = mark[1] if mark else None
    if block.language != "console":
        return [Command(block.file, block.line, block.text, elsewhere=elsewhere)]
    found: list[Command] = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            found.append(Command(block.file, number, line[2:], elsewhere=elsewhere))
            continue
        assert found, f"{block.file}:{number}: a console block begins with '$ ' and a command"
        last = found[-1]
        if line.startswith("> ") and not last.output:
            found[-1] = replace(last, text=f"{last.text}\n{line[2:]}")
        else:
            found[-1] = replace(last, output=f"{last.output}{line}\n")
    return found


def _of_tables(file: Path) -> Iterator[Command]:
    column: int | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("|"):
            column = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if column is None:
            named = [index for index, cell in enumerate(cells) if cell in COMMAND_COLUMNS]
            column = named[0] if named else len(cells)
        elif column < len(cells) and (code := re.match(r"`([^`]+)`", cells[column])):
            mark = _MARK.search(line)
            yield Command(file, number, code[1], elsewhere=mark[1] if mark else None)
