"""`azml rollout …`: how the release of an endpoint stands, and what a person says to it.

Owns the commands and their exit codes. What the words do is `azml.resources.rollout_control`'s, how a rollout looks is
`rollout_view`'s; only `up` moves a release forward.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project

if TYPE_CHECKING:
    from azml.resources.arm_id import ArmId
    from azml.resources.gates.verdict import Verdict
    from azml.resources.rollout_control import Standing
    from azml.resources.work import Work
    from azml.spec import OnlineEndpointSpec
    from azml_cli.azure import StackAzure
    from azml_cli.rollout_view import View

app = typer.Typer(help="A release on its way to its traffic: look at it, pause it, give it up.", no_args_is_help=True)

EXIT_CODES = {None: 0, "running": 3, "paused": 4, "aborted": 5}
"""Of `status`, by how the rollout stands; of several endpoints the highest. 1 and 2 are those of every command."""

Name = Annotated[str | None, typer.Argument(help="Name of the online endpoint. Needed where the stack has several.")]
Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack that the endpoint is in.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def status(
    endpoint: Annotated[str | None, typer.Argument(help="Name of the online endpoint. All, if none.")] = None,
    *,
    stack: Stack = LOCAL,
    json_: Json = False,
) -> None:
    """Show who answers, how far a release is, and what comes next.

    Exit code 0: no release is on its way. 3: one is. 4: it is paused. 5: it was aborted.
    """
    from azml_cli import azure

    place = _Place.of(stack)
    with azure.errors():
        views = [place.view(one) for one in ([endpoint] if endpoint is not None else place.names)]
    if json_:
        render.emit_json([view.wire() for view in views])
    else:
        for number, view in enumerate(views):
            _show(view, apart=number > 0)
    raise typer.Exit(max((EXIT_CODES[view.status] for view in views), default=0))


@app.command()
def pause(endpoint: Name = None, *, stack: Stack = LOCAL, json_: Json = False) -> None:
    """Leave the traffic as it is until `resume`.

    An `up` that is at work notices it and ends.
    """
    from azml.resources import rollout_control

    _say(rollout_control.pause, endpoint, stack, json_=json_)


@app.command()
def resume(endpoint: Name = None, *, stack: Stack = LOCAL, json_: Json = False) -> None:
    """Let the next `up` go on.

    A paused release goes on where it stands, an aborted one begins anew.
    """
    from azml.resources import rollout_control

    _say(rollout_control.resume, endpoint, stack, json_=json_)


@app.command()
def abort(endpoint: Name = None, *, stack: Stack = LOCAL, json_: Json = False) -> None:
    """Put back what served before, at once.

    An `up` of the same program leaves it so until `resume`; another release may begin.
    """
    from azml.resources import rollout_control

    _say(rollout_control.abort, endpoint, stack, json_=json_)


def _say(word: "Callable[[Work, ArmId], Standing]", endpoint: str | None, stack: str, *, json_: bool) -> None:
    from azml_cli import azure
    from azml_cli.releases import endpoint_id

    place = _Place.of(stack)
    name = endpoint if endpoint is not None else place.only()
    with azure.errors():
        word(place.work, endpoint_id(place.there, name))
        view = place.view(name)
    if json_:
        render.emit_json(view.wire())
    else:
        _show(view)


def _show(view: "View", *, apart: bool = False) -> None:
    for line in [*([("", None)] if apart else []), *view.lines()]:
        render.say_folded(line[0], style=line[1])


@dataclass(frozen=True)
class _Place:
    """A stack's endpoints: as its file has them, and as Azure has them."""

    stack: str
    specs: "dict[str, OnlineEndpointSpec]"
    there: "StackAzure"
    work: "Work"

    @classmethod
    def of(cls, stack: str) -> "_Place":
        import threading

        from azml.resources.work import Work
        from azml_cli.azure import StackAzure

        project = Project.find()
        there = StackAzure(project, stack)
        specs = {endpoint.name: endpoint for endpoint in project.spec(stack).online_endpoints}
        return cls(stack, specs, there, Work(lambda: there.arm, "", threading.Event(), lambda *_: None))

    @property
    def names(self) -> list[str]:
        return list(self.specs)

    def only(self) -> str:
        if len(self.specs) != 1:
            has = ", ".join(self.specs) or "none"
            render.fail(f"Say which endpoint is meant.\nStack {self.stack} has: {has}", render.USAGE)
        return self.names[0]

    def view(self, name: str) -> "View":
        """How an endpoint stands now; ends the command where there is none of that name."""
        from azml.resources import rollout_control
        from azml.resources.handler import ML
        from azml_cli.releases import endpoint_id
        from azml_cli.rollout_view import Commands, View

        standing = rollout_control.standing(self.work, endpoint_id(self.there, name))
        if standing is None:
            render.fail(f"The endpoint {name} was deleted at this moment.")
        listed = self.there.arm.get(f"{standing.endpoint.text}/deployments", ML)["value"]
        states = {one["name"]: str(one["properties"].get("provisioningState")) for one in listed}
        typed = render.typed_command()
        local = self.stack == LOCAL
        up = f"{typed} up --local" if local else f"pulumi up -s {self.stack}"
        commands = Commands(up, typed, None if local else self.stack)
        spec = self.specs.get(name)
        return View.of(standing, states, spec, self._figures(standing, spec), time.time(), commands)

    def _figures(self, standing: "Standing", spec: "OnlineEndpointSpec | None") -> "list[Verdict]":
        """What the gates say of the live requests, or copies, of the step at hand."""
        from datetime import UTC, datetime

        from azml.resources.gates import ask

        progress = standing.memory.progress
        if spec is None or progress is None:
            return []
        gates = spec.rollout.gates.model_dump(mode="json", exclude_unset=True)
        before, live = progress.before.traffic, standing.live.traffic
        rival = max((name for name in before if name in live), key=lambda name: before[name], default=None)
        since = datetime.fromtimestamp(progress.since, UTC)
        asked = [(ask.figures, each) for each in standing.newcomers.items()]
        asked += [(ask.copies, each) for each in standing.copied.items()]
        return [
            verdict
            for figures, (name, share) in asked
            for verdict in figures(self.work, gates, standing.endpoint, name, rival, since, share)
        ]
