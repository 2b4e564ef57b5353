"""`azml services`: what answers requests in a stack, and which images and models it runs.

Owns what the engine's state says of that: an image is found by the digest that a service runs, a model in its image or
at its deployment. What a state of a failed release does not know any more, the registry is asked (`pulled`).
Deliberately does not ask ARM: who changed something there is for `preview` to see.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer

from azml_cli import render
from azml_cli.project import LOCAL, Project
from azml_cli.pulled import asked, plain

State = Iterable[Mapping[str, Any]]
IMAGE, GROUP = "azml:index:ServingImage", "azure-native:containerinstance:ContainerGroup"
TRIAL = "azml:index:ContainerTrial"
DEPLOYMENT = "azml:index:ManagedOnlineDeployment"


@dataclass(frozen=True)
class Service:
    """Something that answers."""

    name: str
    """Of an endpoint with its deployment: ENDPOINT/DEPLOYMENT."""
    kind: str
    image: str
    """As it was given; empty where Azure builds it from an environment."""
    alias: str
    """NAME:NUMBER of an image that the stack builds."""
    models: tuple[str, ...]
    """NAME:VERSION each; none where the image does not tell."""

    def runs(self, image: str) -> bool:
        """Whether it runs an image, given by its name, NAME:NUMBER, NAME:TAG or a reference with a digest."""
        path, _, _ = self.image.partition("@")
        last = path.rpartition("/")[2]
        repository = path.removesuffix(f":{last.partition(':')[2]}") if ":" in last else path
        known = {self.alias, self.alias.rpartition(":")[0], self.image, path, repository} - {""}
        return any(one == image or one.endswith(f"/{image}") for one in known)

    def has(self, model: str) -> bool:
        """Whether a model is in it, given by its name or NAME:VERSION."""
        return any(model in (one, one.partition(":")[0]) for one in self.models)


def services(
    *,
    image: Annotated[str | None, typer.Option(help="Only what runs this image: NAME, NAME:NUMBER or NAME:TAG.")] = None,
    model: Annotated[str | None, typer.Option(help="Only what has this model: NAME or NAME:VERSION.")] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack to look at.")] = LOCAL,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the endpoints and services of a stack with what they run."""
    every = _every(Project.find(), stack)
    wanted = [one for one in every if (image is None or one.runs(image)) and (model is None or one.has(model))]
    if json_:
        render.emit_json([asdict(one) for one in wanted])
    elif wanted:
        _show(wanted)
    else:
        what = " and ".join(f"{kind} {name}" for kind, name in (("image", image), ("model", model)) if name is not None)
        has = ", ".join(one.name for one in every) or "none"
        render.say(f"Nothing in stack {stack} runs {what or 'anything'}. Its services: {has}")


def _every(project: Project, stack: str) -> list[Service]:
    resources = _resources(project, stack)
    every, groups = list(found_in(resources)), _groups(resources)
    if not any(_is_riddle(one, groups) for one in every):
        return every
    if stack == LOCAL:
        os.environ.update(_local(project))
    groups = _groups(plain(_resources(project, stack, "--show-secrets")))
    return [_solved(one, groups[one.name]) if _is_riddle(one, groups) else one for one in every]


def _local(project: Project) -> Mapping[str, str]:
    """What the local Azure is reached by; nothing where it does not run, which its registry then says."""
    import azml_local

    try:
        return azml_local.environment(project.local_azure)
    except azml_local.NotRunning:
        return {}


def _groups(resources: State) -> dict[str, Mapping[str, Any]]:
    """Inputs of every container group by its name."""
    living = [one for one in resources if one["type"] == GROUP and not one.get("delete")]
    return {one["inputs"]["containerGroupName"]: one["inputs"] for one in living}


def _is_riddle(service: Service, groups: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether state does not know what is in a service's image, and its registry can be asked."""
    group = groups.get(service.name, {})
    return bool(service.image) and not service.models and "imageRegistryCredentials" in group


def _solved(service: Service, group: Mapping[str, Any]) -> Service:
    from azml.resources.errors import Refused

    try:
        alias, models = asked(service.image, group)
    except Refused as error:
        render.note(f"What {service.name} runs cannot be looked up. {error}")
        return service
    return replace(service, alias=alias, models=models)


def found_in(resources: State) -> Iterator[Service]:
    """Find what answers among the resources of a state."""
    living = [one for one in resources if not one.get("delete")]
    images = {one["outputs"]["image"]: one["outputs"] for one in living if one["type"] == IMAGE and one.get("outputs")}
    tried = {one["inputs"]["service"]: one["inputs"]["group"] for one in living if one["type"] == TRIAL}
    for one in living:
        inputs = one.get("inputs") or {}
        if one["type"] == GROUP:
            image = _image(inputs, tried.get(inputs["containerGroupName"], {}))
            made = images.get(image, {})
            models = tuple(made.get("models", ()))
            yield Service(inputs["containerGroupName"], "container service", image, made.get("alias", ""), models)
        elif one["type"] == DEPLOYMENT:
            name = f"{inputs['endpointId'].rpartition('/')[2]}/{inputs['name']}"
            models = () if inputs.get("model") is None else (_model(inputs["model"]),)
            yield Service(name, "online deployment", "", "", models)


def _image(group: Mapping[str, Any], tried: Mapping[str, Any]) -> str:
    """What a group runs. azure-native keeps all containers secret where one variable is: then its trial tells."""
    containers = next((found for each in (group, tried) if isinstance(found := each.get("containers"), list)), [])
    return str(containers[0].get("image", "")) if containers else ""


def _model(id_: str) -> str:
    """NAME:VERSION of a version's ARM id or registry URI."""
    name, _, version = id_.split("/")[-3:]
    return f"{name}:{version}"


def _show(rows: list[Service]) -> None:
    table = [("service", "kind", "image", "models")]
    table += [(one.name, one.kind, one.alias or one.image or "-", ", ".join(one.models) or "-") for one in rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for number, row in enumerate(table):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        render.say(line, style="bold" if number == 0 else None)


def _resources(project: Project, stack: str, *options: str) -> list[dict[str, Any]]:
    from azml_cli.engine import bin_dir, in_its_words

    project.spec(stack)  # a stack that is none, or is wrong, is said before anything is asked
    engine = bin_dir()
    exported = subprocess.run(
        [engine / "pulumi", "stack", "export", "--stack", stack, "--non-interactive", *options],
        cwd=project.root, env=project.pulumi_environment(engine) if stack == LOCAL else os.environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if exported.returncode != 0:
        render.fail(f"Stack {stack} cannot be read.\n{in_its_words(exported.stderr)}")
    return list((json.loads(exported.stdout).get("deployment") or {}).get("resources") or [])
