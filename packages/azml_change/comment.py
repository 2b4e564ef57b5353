"""Previews of several stacks as one comment of a pull request: Markdown that always fits.

Owns the order of importance, what is cut where it does not fit (counted, and said), and the marker line by which the
next comment takes the place of this one. Deliberately posts nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from azml_change import words
from azml_change.impact import Downtime, Explanation, Loss
from azml_change.report import Report

LIMIT = 65_536
"""Characters that a comment on GitHub may have; Azure DevOps takes 150,000."""
_RESERVE = 1_000
"""Characters that are kept for saying what was cut."""
_LONGEST = 500
"""Characters of a line; no Azure name or URL is longer, an error's text may be."""
_MANY = 20
_MARKUP = re.compile(r"([\\`*\[\]|#~])")
_SAYS = {
    Downtime.none: "no downtime",
    Downtime.brief: "brief downtime: some requests may fail",
    Downtime.outage: "outage",
}
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_FAILED, _REFUSED, _ADVISED, _REMARK = "failure", "policy refusal", "policy finding", "remark"


@dataclass(frozen=True)
class _Part:
    """Something that is said whole, or in its first lines, or only counted."""

    importance: int
    stack: str
    what: str
    head: str
    lines: tuple[str, ...]
    tail: str = ""


def marker(project: str) -> str:
    """The comment's first line, the same at each preview of a project."""
    return f"<!-- azml-preview: {re.sub(r'[^0-9A-Za-z._-]', '-', project)} -->"


def comment(project: str, reports: Sequence[Report]) -> str:
    """The comment, `LIMIT` characters at most."""
    top = [marker(project), f"## azml preview: {headline(reports)}", *_overview(reports)]
    lost = _losses([(report.stack, loss) for report in reports for loss in report.lost], len(reports) > 1)
    room = LIMIT - _RESERVE - _length([*top, *lost])
    parts = sorted((part for report in reports for part in _parts(report)), key=lambda part: part.importance)
    kept, cut = _fitting(parts, room)
    shown = [*top, *lost]
    for report in reports:
        mine = [text for part, text in kept if part.stack == report.stack]
        if mine:
            shown += [f"### {_code(report.stack)}", *mine]
    if cut:
        said = words.listed((words.counted(count, what) for what, count in sorted(cut.items())), _MANY)
        shown.append(f"Cut to fit into a comment: {said}. All of it: `azml preview --json`.")
    return "\n\n".join(shown) + "\n"


def headline(reports: Sequence[Report]) -> str:
    """The worst of all stacks, in a few words."""
    if any(report.failed for report in reports):
        return "**failed**"
    if all(report.is_empty for report in reports):
        return "nothing changes"
    lost = sum(len(report.lost) for report in reports)
    worst = max(report.downtime for report in reports)
    said = _SAYS[worst] if worst is Downtime.none else f"**{_SAYS[worst]}**"
    holds, goes = ("holds", "goes") if lost == 1 else ("hold", "go")
    return said + (f"; **{words.counted(lost, 'thing')} that {holds} state {goes}**" if lost else "")


def summary(report: Report) -> str:
    """A stack in one line."""
    if report.failed:
        return "the preview failed"
    if report.is_empty:
        return "nothing changes"
    changes = ", ".join(f"{report.changes[op]} {done}" for op, done in _DONE.items() if op in report.changes)
    return _SAYS[report.downtime] + (f" ({changes})" if changes else "")


def _overview(reports: Sequence[Report]) -> list[str]:
    if len(reports) == 1 and reports[0].is_empty:
        return []
    lines = [f"- {_code(report.stack)}: {summary(report)}" for report in reports]
    return ["\n".join([*lines[:_MANY], *([f"- and {len(lines) - _MANY} stacks more"] if len(lines) > _MANY else [])])]


def _losses(lost: Sequence[tuple[str, Loss]], several: bool) -> list[str]:
    """What holds state and goes: each by name as far as half a comment reaches, the rest counted by what it is."""
    if not lost:
        return []
    lines, room, rest = [], LIMIT // 2, Counter[str]()
    for stack, loss in lost:
        line = f"- {f'{_code(stack)}: ' if several else ''}{_text(str(loss))}"
        if rest or len(line) + 1 > room:
            rest[loss.kind] += 1
        else:
            lines.append(line)
            room -= len(line) + 1
    if rest:
        kinds = ", ".join(f"{count} × {_text(kind)}" for kind, count in sorted(rest.items()))
        lines.append(f"- and {rest.total()} more: {kinds}")
    return ["### Deleted or replaced, with what is in it", "\n".join(lines)]


def _parts(report: Report) -> Iterable[_Part]:
    stack = report.stack
    for remark in report.remarks:
        failed = remark.severity == "error"
        what, importance = (_FAILED, 0) if failed else (_REMARK, 6)
        yield _Part(importance, stack, what, f"**{remark.severity}**", _quoted(remark.text))
    for finding in report.findings:
        what, importance = (_REFUSED, 1) if finding.refuses else (_ADVISED, 4)
        head = f"**{what}: {_text(finding.policy)}**{_about(finding.urn)}"
        yield _Part(importance, stack, what, head, _quoted(finding.text))
    for one in report.explained:
        yield _explained(one, stack)


def _explained(one: Explanation, stack: str) -> _Part:
    importance = {Downtime.outage: 2, Downtime.brief: 3, Downtime.none: 5}[one.downtime]
    head = f"**{_text(one.title)}** · {_SAYS[one.downtime]}"
    lines = tuple(f"- {_text(line)}" for line in one.lines)
    return _Part(
        importance,
        stack,
        f"{one.kind or 'resource'}, {one.downtime.name}",
        head,
        lines,
        f"Way back: {_text(one.way_back)}",
    )


def _fitting(parts: Sequence[_Part], room: int) -> tuple[list[tuple[_Part, str]], Counter[str]]:
    """Parts in order of importance as far as there is room: whole, or their first lines; the rest is counted."""
    kept, cut, begun = [], Counter[str](), set[str]()
    for part in parts:
        heading = 0 if part.stack in begun else len(_code(part.stack)) + 6
        text = _whole(part, len(part.lines))
        lines = len(part.lines)
        while len(text) + 2 + heading > room and lines > 1:
            lines //= 2
            text = _whole(part, lines)
        if len(text) + 2 + heading > room:
            cut[part.what] += 1
            continue
        room -= len(text) + 2 + heading
        begun.add(part.stack)
        kept.append((part, text))
    return kept, cut


def _whole(part: _Part, lines: int) -> str:
    more = len(part.lines) - lines
    shown = [*part.lines[:lines], *([f"- and {words.counted(more, 'line')} more"] if more else [])]
    return "\n".join([part.head, "", *shown, *(["", part.tail] if part.tail else [])])


def _about(urn: str) -> str:
    return f" · {_text(urn.rpartition('::')[2])}" if urn else ""


def _quoted(text: str) -> tuple[str, ...]:
    return tuple(f"> {_text(line)}  " for line in text.strip().splitlines()) or ("> (nothing said)",)


def _text(text: str) -> str:
    """Text that Markdown shows as it is, mentions nobody, and is no longer than a line may be."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"
    safe = _MARKUP.sub(r"\\\1", flat.replace("&", "&amp;").replace("<", "&lt;"))
    return safe.replace("@", "@\u200b")


def _code(name: str) -> str:
    return "`" + re.sub(r"[`\s]", "-", name)[:_LONGEST] + "`"


def _length(texts: Iterable[str]) -> int:
    return sum(len(text) + 2 for text in texts)
