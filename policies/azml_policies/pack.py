"""The pack at work: runs rules on what the engine shows it, and decides what a verdict comes to.

Owns levels, waivers, crashes and what a finding looks like. Deliberately knows no rule and nothing of gRPC.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from azml_policies.rule import Outcome, Resource, Rule, Run, Severity, Stack, Stage, Verdict
from azml_policies.waivers import Waiver

PACK = "pack"
"""Id of the findings about the pack itself."""
WAIVERS = "waivers"
"""Setting of the pack itself: the list of them."""


class Level(StrEnum):
    """What the engine makes of a finding, in its own words."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    DISABLED = "disabled"


LEVELS = {Stage.DEV: Level.ADVISORY, Stage.TEST: Level.ADVISORY, Stage.PROD: Level.MANDATORY}
_WORDS = {Stage.DEV: "advice", Stage.TEST: "warning"}
_REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """What people and `azml preview` read: one finding of one rule on one resource, or on the whole stack."""

    rule: str
    title: str
    severity: Severity
    level: Level
    word: str
    """advice, warning, refused, unknown, remark, waived or crash."""
    what: str
    remedy: str
    urn: str = ""

    @property
    def text(self) -> str:
        """Three lines: the title, `WORD: what`, `remedy: what to change`."""
        return f"{self.title}\n{self.word}: {self.what}\nremedy: {self.remedy}"


@dataclass(frozen=True)
class Settings:
    """The pack's configuration, as the engine hands it over."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    """Of the rules whose level is not the stage's."""
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings by rule, and those of the pack itself."""


class Pack:
    """One run of the engine over one stack."""

    def __init__(
        self,
        rules: Sequence[Rule],
        stage: Stage = Stage.PROD,
        settings: Settings = Settings(),
        *,
        preview: bool = True,
        today: date | None = None,
    ) -> None:
        self._rules = rules
        self._stage = stage
        self._settings = settings
        self._preview = preview
        self._today = today or date.today()  # noqa: DTZ011 - a waiver ends with the day of who reads it
        self._seen: dict[str, Resource] = {}
        self._remembered = frozenset(type_ for rule in rules for type_ in rule.types | rule.remembers)
        self._config = {rule.id: _with_defaults(rule, settings.rules.get(rule.id, {})) for rule in rules}
        self._waivers, self._complaints = _waivers(settings.rules.get(PACK, {}).get(WAIVERS))
        self._used: set[Waiver] = set()
        self._secrets: dict[str, set[str]] = {}

    def remembers(self, type_: str) -> bool:
        """Whether a rule asks for resources of that token."""
        return type_ in self._remembered

    def seen(self, urn: str) -> Resource | None:
        """The resource of that URN with its inputs, if it was judged before."""
        return self._seen.get(urn)

    def analyze(self, resource: Resource) -> list[Finding]:
        """Judge a resource before the engine touches it."""
        if self.remembers(resource.type):
            self._seen[resource.urn] = resource
            self._secrets.setdefault(resource.type, set()).update(resource.secrets)
        found: list[Finding] = []
        for rule in self._rules:
            if resource.type in rule.types and self._judges(rule):
                try:
                    verdict = rule.judge(resource, self._run(rule))
                except Exception as error:  # noqa: BLE001 - a rule that crashes must not let anything pass
                    found.append(self._crash(rule, error, resource.urn))
                else:
                    found += self._findings(rule, resource, verdict)
        return found

    def analyze_stack(self, stack: Stack) -> list[Finding]:
        """Judge what only the whole program tells, and the pack itself."""
        found: list[Finding] = []
        for rule in self._rules:
            if rule.judge_stack is not None and self._judges(rule):
                try:
                    verdicts = list(rule.judge_stack(stack, self._run(rule)))
                except Exception as error:  # noqa: BLE001
                    found.append(self._crash(rule, error))
                else:
                    found += [
                        each for resource, verdict in verdicts for each in self._findings(rule, resource, verdict)
                    ]
        return found + list(self._itself())

    def _judges(self, rule: Rule) -> bool:
        return self._stage in rule.stages and self._level(rule.id) is not Level.DISABLED

    def _level(self, rule: str) -> Level:
        return self._settings.levels.get(rule, LEVELS[self._stage])

    def _word(self, level: Level) -> str:
        return _REFUSED if level is Level.MANDATORY else _WORDS.get(self._stage, "warning")

    def _run(self, rule: Rule) -> Run:
        return Run(self._stage, self._config[rule.id], self._today, self._preview, self._seen)

    def _findings(self, rule: Rule, resource: Resource, verdict: Verdict) -> Iterator[Finding]:
        if verdict.outcome is Outcome.PASS and not verdict.what:
            return
        level = self._level(rule.id) if self._weighs(rule, verdict) else Level.ADVISORY
        word = {Outcome.PASS: "remark", Outcome.UNKNOWN: "unknown"}.get(verdict.outcome, self._word(level))
        found = Finding(
            rule.id, rule.title, rule.severity, level, word, verdict.what, verdict.remedy or rule.remedy, resource.urn
        )
        if verdict.outcome is not Outcome.PASS:
            found = self._waived(found, rule, resource)
        secrets = resource.secrets.union(*(self._secrets.get(type_, ()) for type_ in rule.remembers))
        yield replace(found, what=_line(found.what, secrets), remedy=_line(found.remedy, secrets))

    def _weighs(self, rule: Rule, verdict: Verdict) -> bool:
        """Whether a verdict has the rule's level. What is unknown waits for the update, which must know it."""
        if verdict.outcome is Outcome.UNKNOWN:
            return rule.strict and not (verdict.later and self._preview)
        return verdict.outcome is Outcome.FAIL

    def _waived(self, found: Finding, rule: Rule, resource: Resource) -> Finding:
        for waiver in self._waivers:
            if waiver.meets(rule.id, resource):
                self._used.add(waiver)
                if waiver.expires >= self._today:
                    by = f"{waiver.owner} until {waiver.expires}: {waiver.reason}"
                    return replace(found, level=Level.ADVISORY, word="waived", what=f"{found.what} Waived by {by}")
        return found

    def _crash(self, rule: Rule, error: Exception, urn: str = "") -> Finding:
        """Without the error's own text, which may hold a secret."""
        what = f"the rule itself failed ({type(error).__name__}), so nothing is known of what it guards."
        remedy = "report it, with the resource's inputs; until it works, waive the rule for this resource"
        return Finding(rule.id, rule.title, rule.severity, self._level(rule.id), "crash", what, remedy, urn)

    def _itself(self) -> Iterator[Finding]:
        for what, remedy in [*self._complaints, *self._unknown_names(), *self._bad_waivers()]:
            level = self._level(PACK)
            if level is not Level.DISABLED:
                yield Finding(PACK, TITLE, Severity.MEDIUM, level, self._word(level), what, remedy)

    def _unknown_names(self) -> Iterator[tuple[str, str]]:
        known = {rule.id: set(rule.schema) for rule in self._rules} | {PACK: {WAIVERS}}
        for name, config in self._settings.rules.items():
            if name not in known:
                yield f"the configuration names {name!r}, and there is no such rule.", _nearest(name, known)
            else:
                for key in sorted(set(config) - known[name]):
                    yield f"{name} has no setting {key!r}.", _nearest(key, known[name])

    def _bad_waivers(self) -> Iterator[tuple[str, str]]:
        ids = {rule.id for rule in self._rules}
        for waiver in self._waivers:
            if waiver.rule not in ids:
                yield f"{waiver} names a rule that there is not.", _nearest(waiver.rule, ids)
            elif waiver.expires < self._today:
                yield f"{waiver} expired on {waiver.expires} ({waiver.owner}).", "put right what it waived, or renew it"
            elif waiver not in self._used:
                yield f"{waiver} waives nothing.", f"remove it; {waiver.owner} wrote it: {waiver.reason}"


TITLE = "The pack's configuration means something, and its waivers hold and are used"


def _with_defaults(rule: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each["default"] for name, each in rule.schema.items() if "default" in each} | dict(given)


def _waivers(given: Any) -> tuple[list[Waiver], list[tuple[str, str]]]:
    """Those that can be read, and what is wrong with the others."""
    read: list[Waiver] = []
    wrong: list[tuple[str, str]] = []
    for entry in given or []:
        try:
            read.append(Waiver.read(entry))
        except ValueError as error:
            wrong.append((f"{error}.", "write {rule, resource, owner, reason, expires: YYYY-MM-DD}"))
    return read, wrong


def _nearest(name: str, known: Iterable[str]) -> str:
    allowed = sorted(known)
    close = difflib.get_close_matches(name, allowed, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(allowed) or 'none'}"


def _line(text: str, secrets: frozenset[str]) -> str:
    """A text as one line, whatever values it shows, and without a secret, in whichever case a rule wrote it."""
    lower = text.lower()
    shown = sorted((secret for secret in secrets if secret.lower() in lower), key=len, reverse=True)
    if shown:
        text = re.sub("|".join(map(re.escape, shown)), "[secret]", text, flags=re.IGNORECASE)
    return " ".join(text.split())
