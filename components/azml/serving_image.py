"""A serving image: model, code and environment, built once and run anywhere.

Owns the build context in the project, the image that pulumi-docker builds of it and pushes, and its number. Equal
content is an equal tag and an equal context, so nothing is built or pushed, in whichever clone. Deliberately runs it
nowhere: services take `image`.
"""

import subprocess
from functools import lru_cache
from os import path
from pathlib import Path
from typing import Any

import pulumi

from azml.component import InvalidArgs, given, spec_of
from azml.docker_image import DockerImage
from azml.image_context import folder_of, stage
from azml.image_manifest import manifest_of
from azml.resources.image_alias import ImageAlias
from azml.resources.resource import token
from azml.serving_image_args import ServingImageArgs
from azml.spec.errors import SpecError
from azml.spec.project import project_file
from azml.spec.serving_image import ServingImageSpec

_BESIDES = ("registry_id", "login_server", "username", "password", "used")


class ServingImage(pulumi.ComponentResource):
    """An image in a container registry that answers scoring requests by itself."""

    image: pulumi.Output[str]
    """The image by digest, SERVER/NAME@sha256:…: what a service runs. Unknown in a preview that would build it."""
    tag: pulumi.Output[str]
    """The image by content, SERVER/NAME:TAG."""
    alias: pulumi.Output[str]
    """The image by number, NAME:1, in the order of pushes."""
    manifest: pulumi.Output[str]
    """SHA-256 of its content, known in every preview."""
    models: pulumi.Output[list[str]]
    """Its models, NAME:VERSION."""

    def __init__(self, name: str, args: ServingImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("ServingImage"), name, {}, opts)
        spec = spec_of(ServingImageSpec, f"ServingImage {name}", args, besides=_BESIDES)
        for finding in spec.problems_among([], []):
            where = ".".join(map(str, finding.at))
            raise InvalidArgs(f"ServingImage {name} cannot be made:\n{where}: {finding.value} {finding.what}")
        manifest = manifest_of(spec)
        folder = folder_of(_project(f"ServingImage {name}"), spec.name, manifest.tag)
        stage(manifest.context(), folder)
        child = pulumi.ResourceOptions(parent=self)
        server = pulumi.Output.from_input(args["login_server"])
        credentials = {"username": args["username"], "password": args["password"]}
        self.tag = server.apply(lambda host: f"{host}/{spec.name}:{manifest.tag}")
        made = DockerImage(
            name,
            self.tag,
            Path(path.relpath(folder)).as_posix(),
            {"server": server, **credentials},
            child,
        )
        numbered: Any = {
            "registry_id": args["registry_id"],
            "image": made.repo_digest,
            "repository": spec.name,
            **credentials,
            "keep": spec.keep,
            "used": args.get("used"),
            "revision": _revision(),
        }
        self.image = made.repo_digest
        self.alias = ImageAlias(f"{name}-alias", given(numbered), child).alias
        self.manifest = pulumi.Output.from_input(manifest.hash)
        self.models = pulumi.Output.from_input([":".join(model) for model in manifest.models])
        self.register_outputs(
            {
                "image": self.image,
                "tag": self.tag,
                "alias": self.alias,
                "manifest": self.manifest,
                "models": self.models,
            }
        )


def _project(component: str) -> Path:
    """The folder of Pulumi.yaml, above the program's."""
    try:
        return project_file(Path.cwd()).file.parent
    except SpecError as error:
        raise InvalidArgs(f"{component} cannot be made:\n{error}") from None


@lru_cache(maxsize=1)
def _revision() -> str | None:
    """The commit that the program is at, marked where files differ from it; None where there is no Git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
