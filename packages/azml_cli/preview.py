"""`azml preview`: what a change does to endpoints and services, before it is made.

Owns running the engine's preview, and how the report is shown, written and judged by `--fail-on`. What a plan means is
`azml_change`'s; what is refused is the policies'.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from azml_cli import policy_config, render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml_change.impact import Explanation
    from azml_change.plan import Finding
    from azml_change.report import Report

FOUND = 3
"""Exit code: the preview went well, and has what `--fail-on` names. 1: it did not go well."""
OUTAGE, STATEFUL_DELETE, POLICY = "outage", "stateful-delete", "policy"
_JUDGED: "Mapping[str, Callable[[Report], bool]]" = {
    OUTAGE: lambda report: report.downtime.name == OUTAGE,
    STATEFUL_DELETE: lambda report: bool(report.lost),
    POLICY: lambda report: report.refused,
}
_STYLES = {"none": "green", "brief": "yellow", "outage": "red"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def preview(
    stack: Annotated[list[str] | None, typer.Argument(help="Names of stacks. The local one, if none.")] = None,
    *,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write a comment for a pull request to this file.", dir_okay=False)
    ] = None,
    fail_on: Annotated[
        str, typer.Option(help="Exit with 3 where there is any of: outage, stateful-delete, policy (comma-separated).")
    ] = "",
    policy_pack: Annotated[
        list[str] | None,
        typer.Option(help="A policy pack to ask. azml's own, if none and --fail-on has policy.", metavar="PATH"),
    ] = None,
    policy_pack_config: Annotated[
        list[Path] | None, typer.Option(help="Its configuration, JSON.", exists=True, dir_okay=False, metavar="FILE")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document; all else goes to stderr.")] = False,
) -> None:
    """Explain what `up` would change, per endpoint and service: downtime, what is lost, and the way back.

    Exit code 0: explained. 1: the preview failed. 3: there is what --fail-on names.
    """
    wanted = _wanted(fail_on)
    packs = policy_pack or ([_own_pack()] if POLICY in wanted else [])
    policy_config.refuse_bad(policy_pack_config or [], packs)
    options = [*_each("--policy-pack", packs), *_each("--policy-pack-config", policy_pack_config or [])]
    project = Project.find()
    reports = [_report(project, name, options) for name in dict.fromkeys(stack or [LOCAL])]
    if markdown is not None:
        _write(markdown, project.name, reports)
    if json_:
        render.emit_json({"stacks": [report.wire() for report in reports]})
    else:
        for number, report in enumerate(reports):
            _show(report, apart=number > 0)
    _judge(reports, wanted)


def _wanted(fail_on: str) -> set[str]:
    wanted = {word.strip() for word in fail_on.split(",") if word.strip()}
    if unknown := sorted(wanted - _JUDGED.keys()):
        render.fail(f"--fail-on does not know {', '.join(unknown)}.\nIt knows {', '.join(_JUDGED)}.", render.USAGE)
    return wanted


def _write(file: Path, project: str, reports: "Sequence[Report]") -> None:
    from azml_change.comment import comment

    text = comment(project, reports)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        render.fail(f"--markdown {file} cannot be written: {error.strerror}", render.USAGE)


def _judge(reports: "Sequence[Report]", wanted: set[str]) -> None:
    found = [
        f"{name} in {report.stack}" for name in _JUDGED if name in wanted for report in reports if _JUDGED[name](report)
    ]
    if any(report.broken for report in reports):
        raise typer.Exit(render.FAILED)
    if found:
        render.note(f"--fail-on: {', '.join(found)}", style="bold red")
        raise typer.Exit(FOUND)
    if any(report.failed for report in reports):
        raise typer.Exit(render.FAILED)


def _own_pack() -> str:
    return str(Path(sys.executable).parent / "azml-policies")


def _each(option: str, values: Sequence[object]) -> list[str]:
    return [word for value in values for word in (option, str(value))]


def _report(project: Project, stack: str, options: Sequence[str]) -> "Report":
    if problems := project.unreadable(stack):
        said = "\n".join(str(problem).replace("error: ", "", 1) for problem in problems)  # its severity is said beside
        return _explained(stack, {}, failed=True, said=said)
    run = _local(project) if stack == LOCAL else _on_azure(project, stack)
    with render.progress(f"Preview of {stack}"):
        return _previewed(stack, run, options)


def _local(project: Project) -> Run:
    from azml_cli.engine import LocalEngine

    engine = LocalEngine(project)
    engine.ensure_stack()
    return _runner(engine.pulumi, project, LOCAL, engine.environment)


def _on_azure(project: Project, stack: str) -> Run:
    from azml_cli.engine import bin_dir

    return _runner(bin_dir() / "pulumi", project, stack, os.environ)


def _runner(pulumi: Path, project: Project, stack: str, environment: Mapping[str, str]) -> Run:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        # Without the variable the engine takes no --event-log, and policies speak nowhere else.
        variables = {**environment, "PULUMI_DEBUG_COMMANDS": "true"}
        command: list[str | Path] = [pulumi, *arguments, "--stack", stack, "--non-interactive"]
        with subprocess.Popen(
            command, cwd=project.root, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as engine:
            _load()
            out, err = engine.communicate()
        return subprocess.CompletedProcess(command, engine.returncode, out, err)

    return run


def _load() -> None:
    """Import what the report is made and shown with, while the engine works."""
    import azml_change.comment
    import azml_change.report  # noqa: F401

    render.console()


def _previewed(stack: str, run: Run, options: Sequence[str]) -> "Report":
    with tempfile.TemporaryDirectory(prefix="azml-") as folder:
        log = Path(folder) / "events.json"
        more = [*options, "--event-log", str(log)] if options else []
        done = run("preview", "--json", "--show-sames", *more)
        try:
            document, failed = json.loads(done.stdout), done.returncode != 0
        except ValueError:  # it did not begin: no such stack, not logged in
            document, failed = {}, True
        return _explained(stack, document, _events(log), failed=failed, said=_words(done))


def _explained(
    stack: str, document: Any, events: Iterable[dict[str, Any]] = (), *, failed: bool, said: str
) -> "Report":
    from azml_change.plan import Plan
    from azml_change.report import explain

    return explain(Plan.read(stack, document, events, failed=failed, said=said))


def _words(done: "subprocess.CompletedProcess[str]") -> str:
    from azml_cli.engine import in_its_words

    return in_its_words(done.stderr)


def _events(log: Path) -> Iterator[dict[str, Any]]:
    if log.exists():
        with log.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if '"policyEvent"' in line)


def _show(report: "Report", *, apart: bool) -> None:
    from azml_change.comment import summary

    if apart:
        render.say()
    style = "red" if report.failed else _STYLES[report.downtime.name]
    render.say(f"{report.stack}: {summary(report)}", style=f"bold {style}")
    if report.lost:
        render.say("\nDeleted or replaced, with what is in it", style="bold red")
        for loss in report.lost:
            render.say(f"  {loss}", style="red")
    for remark in report.remarks:
        render.say(f"\n{remark.severity}: {remark.text}", style="red" if remark.severity == "error" else "yellow")
    for finding in report.findings:
        _show_finding(finding)
    for one in report.explained:
        _show_one(one)
    if report.noise:
        render.note(f"\nNot shown: {report.noise} steps of the engine's plan that change nothing.")


def _show_finding(finding: "Finding") -> None:
    of = f" ({finding.urn.rpartition('::')[2]})" if finding.urn else ""
    render.say(f"\npolicy {finding.policy}{of}", style="bold red" if finding.refuses else "bold yellow")
    for line in finding.text.splitlines():
        render.say(f"  {line}")


def _show_one(one: "Explanation") -> None:
    render.say(f"\n{one.title} · downtime: {one.downtime.name}", style=f"bold {_STYLES[one.downtime.name]}")
    for line in one.lines:
        render.say(f"  {line}")
    render.say(f"  way back: {one.way_back}", style="dim")
