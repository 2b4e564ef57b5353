"""`azml local …`: the local Azure of this project, started, stopped and looked at.

Owns what a person sees of it; everything else is `azml_local`'s.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from azml_cli import render

app = typer.Typer(help="The local Azure of this project.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LOGS = {"server": "server.log", "requests": "arm.log"}


@app.command()
def start(*, json_: Json = False) -> None:
    """Start it, unless it runs."""
    import azml_local

    home = _home()
    with render.progress("Local Azure") as step:
        _or_fail(lambda: azml_local.start(home, step))
    status(json_=json_)


@app.command()
def stop(*, json_: Json = False) -> None:
    """Stop it and all it runs. What it has stays."""
    import azml_local

    ran = azml_local.stop(_home())
    if json_:
        render.emit_json({"stopped": ran})
    else:
        render.say("The local Azure is stopped." if ran else "The local Azure did not run.")


@app.command()
def reset(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Stop it and delete all it has: every resource, blob and log, and what the engine knows of them."""
    import shutil

    import azml_local
    from azml_cli.alone import take_turn
    from azml_cli.project import Project

    home = _home()
    if not yes:
        if not sys.stdin.isatty():
            render.fail(
                "This deletes everything in the local Azure.\nSay --yes where nobody can be asked.", render.USAGE
            )
        typer.confirm(f"Delete everything in the local Azure of {home.parents[1]}?", abort=True)
    project = Project.find()
    turn = take_turn(project)
    azml_local.reset(home)
    shutil.rmtree(project.engine_state, ignore_errors=True)
    turn.close()
    if json_:
        render.emit_json({"reset": True})
    else:
        render.say("The local Azure is empty and stopped. Fill it again: azml up --local")


@app.command()
def status(*, json_: Json = False) -> None:
    """Show address, memory, endpoints, deployments and container groups."""
    import azml_local

    found = azml_local.status(_home())
    if json_:
        render.emit_json(vars(found))
        return
    if not found.running:
        render.say("The local Azure does not run. Start it: azml local start")
    else:
        render.say(
            f"The local Azure runs at {found.url} (process {found.pid}, {found.memory_mb:.0f} MB with all it runs)."
        )
    if found.running and found.endpoints:
        render.console().print(_table(found.endpoints))
    if found.running and found.container_groups:
        render.console().print(_groups(found.container_groups))


@app.command()
def env(*, json_: Json = False) -> None:
    """Print the variables that point Azure's clients here: eval "$(azml local env)"."""
    import azml_local

    variables = _or_fail(lambda: azml_local.environment(_home()))
    if json_:
        render.emit_json(variables)
        return
    for name, value in variables.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command(context_settings={"ignore_unknown_options": True})
def run(command: Annotated[list[str], typer.Argument(help="After `--`: the command and its arguments.")]) -> None:
    """Run one command whose Azure is this one: azml local run -- python deploy.py."""
    import os
    import subprocess

    import azml_local
    from azml_local.tunnel import Tunnel

    variables = _or_fail(lambda: azml_local.environment(_home()))
    with Tunnel(variables["AZURE_AUTHORITY_HOST"], _home()) as tunnel:
        try:
            done = subprocess.run(command, env={**os.environ, **variables, **tunnel.variables}, check=False)
        except OSError as error:
            render.fail(f"{command[0]} cannot be run: {error.strerror}.", render.USAGE)
    raise typer.Exit(done.returncode)


@app.command()
def logs(
    *,
    requests: Annotated[
        bool, typer.Option("--requests", help="Every request to Azure, not the server's own log.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1)] = 100,
    json_: Json = False,
) -> None:
    """Print the end of its logs. A deployment's own: azml logs ENDPOINT DEPLOYMENT."""
    path = _home() / "logs" / _LOGS["requests" if requests else "server"]
    if not path.exists():
        render.fail(f"There is no log yet: {path}\nStart the local Azure: azml local start")
    found = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    if json_:
        render.emit_json({"path": path, "lines": found})
    else:
        render.say("\n".join(found))


def _home() -> Path:
    from azml_cli.project import Project

    return Project.find().local_azure


def _or_fail(work: Any) -> Any:
    import azml_local

    try:
        return work()
    except azml_local.NotRunning as error:
        render.fail(str(error))


def _table(endpoints: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table("endpoint", "deployment", "state", "instances", "traffic", "memory", box=None, header_style="bold")
    longest = max(len(endpoint["scoring_uri"] or "") for endpoint in endpoints)
    table.add_column("address", min_width=longest)  # an address that is cut is of no use
    for endpoint in endpoints:
        address = endpoint["scoring_uri"] or ""
        table.add_row(endpoint["name"], "", endpoint["state"], "", "", _mb(endpoint), address)
        for one in endpoint["deployments"]:
            table.add_row("", one["name"], one["state"], str(one["instances"]), f"{one['traffic']} %", _mb(one), "")
    return table


def _groups(groups: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table("container group", "state", "restarts", "memory", box=None, header_style="bold")
    addresses = [", ".join(group["addresses"]) for group in groups]
    table.add_column("address", min_width=max(map(len, addresses)))
    for group, address in zip(groups, addresses, strict=True):
        table.add_row(group["name"], group["state"], str(group["restarts"]), _mb(group), address)
    return table


def _mb(thing: dict[str, Any]) -> str:
    return f"{thing['memory_mb']:.0f} MB" if thing["memory_mb"] else ""
