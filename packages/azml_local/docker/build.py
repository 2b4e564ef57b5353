"""Building and pushing one image: the order of things, and what state keeps of it.

Owns the outputs. Files are looked for first, the environment is made next, then the layers; what fails pushes nothing.
"""

import asyncio
import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_local.docker import context, credentials, dockerfile, image, inputs, layers, push, recipe, references
from azml_local.docker.pushed import Pushed
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.http import refuse_unless_local

Report = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True)
class Built:
    """What a build leaves: the outputs, and what the user should hear."""

    outputs: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def build(given: Mapping[str, Any], pushed: Pushed, *, preview: bool, status: Report) -> Built:
    """Build an image, and push it unless that is not wanted, or this is a preview. Raises `Refused`."""
    options, name = inputs.build(given), str(given["imageName"])
    registry, wanted = inputs.registry(given), given.get("skipPush") is not True and not preview
    warnings = [
        f"Failed to pull cached image {cached}: the docker stand-in keeps no images" for cached in options.cached_images
    ]
    credential, goal = credentials.Credential(), None
    if wanted:
        goal = references.parse(name)
        refuse_unless_local(f"https://{goal.host}/", "docker")
        credential, warning = credentials.find(registry, name, os.environ)
        warnings += [warning] if warning else []
    status("Building the image")
    made = _image(options, status)
    status(f"Image built successfully, local id {made.config.digest}")
    digest = made.config.digest
    if goal is not None:
        status("Pushing Image to the registry")
        digest = f"{goal.name}@{push.push(made, goal, credential, pushed, status)}"
    outputs = {
        "dockerfile": posixpath.relpath(options.dockerfile, options.context),
        "context": options.context,
        "baseImageName": name,
        "registryServer": registry.server,
        "imageName": name,
        "platform": options.platform or inputs.host_platform(),
        "repoDigest": digest,
    }
    return Built(outputs, tuple(warnings))


def _image(options: inputs.Build, status: Report) -> image.Image:
    platform = options.platform or inputs.host_platform()
    for what, wrong in (
        ("build.args", options.args),
        ("build.target", options.target),
        (f"build.platform {platform} (this machine is {inputs.host_platform()})", platform != inputs.host_platform()),
    ):
        if wrong:
            raise Refused(f"NotImplemented: the docker stand-in does not emulate {what}")
    text = Path(options.dockerfile).read_text(encoding="utf-8")
    followed = recipe.make(dockerfile.read(text), list(context.entries(options.context, options.dockerfile)))
    made = []
    for number, step in enumerate(followed.steps, 1):
        if (part := step.layer) is not None:
            status(f"[{number}/{len(followed.steps)}] {step.text}")
            made.append(layers.of_files(part) if isinstance(part, recipe.Files) else _environment(part, status))
    return image.make(followed, made, platform)


def _environment(wanted: recipe.Environment, status: Report) -> layers.Layer:
    """Make the environment as a deployment of an endpoint gets it, from the same cache."""
    import dataclasses  # what reads conda files and runs uv takes 0.1 s to import: for builds only

    from azml_local.scoring import conda
    from azml_local.scoring.contract import DeploymentFailed
    from azml_local.scoring.environments import Environments, cache

    try:
        read = conda.read(wanted.conda_file.path.read_text(encoding="utf-8"))
        complete = dataclasses.replace(read, requirements=(*read.requirements, *wanted.requirements))
        folder = asyncio.run(Environments(cache()).ready(complete, status))
    except DeploymentFailed as error:
        raise Refused(f"failed to solve: {error.message}") from error
    return layers.of_environment(folder, wanted.prefix)
