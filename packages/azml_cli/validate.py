"""`azml validate`: what is wrong with stacks, before any engine or Azure is asked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.spec import Problem, StackSpec
    from azml.spec.tree import Node


def validate(
    stack: Annotated[list[str] | None, typer.Argument(help="Names of stacks. All that have a file, if none.")] = None,
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check the config of stacks: every problem at once, each with file, line and remedy."""
    names, found = _judged(Project.find(), stack)
    problems = list(dict.fromkeys(str(problem) for listed in found.values() for problem in listed))
    if json_:
        render.emit_json({name: [problem.wire() for problem in found.get(name, [])] for name in names})
        raise typer.Exit(render.FAILED if found else 0)
    if found:
        render.fail([*problems, f"{_count(len(problems), 'problem')} in {_count(len(found), 'stack')}"])
    render.say(f"{_count(len(names), 'stack')} {'is' if len(names) == 1 else 'are'} valid")


def _judged(project: Project, asked: list[str] | None) -> "tuple[list[str], dict[str, list[Problem]]]":
    """Names of the stacks, and the problems of those that have some."""
    from azml.spec import SpecError, clashes, stacks

    try:
        folder = project.stacks
    except SpecError as error:
        names = asked or ["Pulumi.yaml"]  # whichever stack it is: none can be read
        return names, dict.fromkeys(names, error.problems)
    names = asked or stacks(folder)
    if not names:
        render.fail(
            f"No stack file (Pulumi.<stack>.yaml) in {folder}.\nMake one with `pulumi stack init`.", render.USAGE
        )
    found: dict[str, list[Problem]] = {}
    good: dict[str, tuple[Node, StackSpec]] = {}
    for name in names:
        try:
            tree, spec, wrong = judged(folder, name)
            good[name] = (tree, spec)
            if wrong:
                found[name] = wrong
        except SpecError as error:
            found[name] = error.problems
    # The local Azure has its names for itself.
    for name, problem in clashes({name: good[name] for name in good if name != LOCAL}):
        found.setdefault(name, []).append(problem)
    return names, found


def judged(folder: Path, stack: str) -> "tuple[Node, StackSpec, list[Problem]]":
    """An estate, and what the stack file beside it lacks. Raises `SpecError` where the estate itself is wrong."""
    from azml.spec import assemble, elsewhere, judge, missing_secrets

    tree = assemble(folder, stack)
    spec = judge(tree)
    return tree, spec, [*missing_secrets(folder, stack, tree, spec), *elsewhere(folder, stack, tree, spec)]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
