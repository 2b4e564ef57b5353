"""An image's inputs: defaults, what Check refuses, and what counts as a change.

Owns what pulumi-docker's `marshalBuildAndApplyDefaults`, `Check` and `Diff` do with values. Unknown values are passed
over, unknown keys are not refused.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join
from typing import Any

from azml_local.docker import context, references
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.values import UNKNOWN

DOCKERFILE = "Dockerfile"
_BUILDERS = ("BuilderV1", "BuilderBuildKit")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""Go's words for this machine's architecture."""
_CREDENTIALS = ("registry", "registryAuth")


@dataclass(frozen=True)
class Build:
    """What to build from; paths as they were given, relative to the program's folder."""

    context: str = "."
    dockerfile: str = DOCKERFILE
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    platform: str = ""
    cached_images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """Where to push to, and as whom. Empty texts are not given."""

    server: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


def build(inputs: Mapping[str, Any]) -> Build:
    """Read the build options. Raises `Refused` for values that are none."""
    given = inputs.get("build")
    if not isinstance(given, Mapping):
        return Build()
    if given.get("builderVersion") not in (None, UNKNOWN, *_BUILDERS):
        raise Refused("invalid Docker Builder version")
    folder = str(_known(given, "context", "."))
    return Build(
        folder,
        str(_known(given, "dockerfile", join(folder, DOCKERFILE))),
        {key: value for key, value in _known(given, "args", {}).items() if value is not UNKNOWN},
        str(_known(given, "target", "")),
        str(_known(given, "platform", "")),
        _cached_images(given.get("cacheFrom")),
    )


def registry(inputs: Mapping[str, Any]) -> Registry:
    """Read the registry."""
    given = inputs.get("registry")
    if not isinstance(given, Mapping):
        return Registry()
    return Registry(*(str(_known(given, name, "")) for name in ("server", "username", "password")))


def is_known(inputs: Mapping[str, Any]) -> bool:
    """Whether everything that a build in a preview needs is known."""
    given = inputs.get("build")
    if not isinstance(given, Mapping):
        return False
    needed = [given.get("dockerfile"), given.get("context"), inputs.get("imageName"), given.get("args")]
    needed += given["args"].values() if isinstance(given.get("args"), Mapping) else []
    return UNKNOWN not in needed


def complete(inputs: dict[str, Any]) -> str | None:
    """Check inputs and put in defaults; a message for the user, or None. Raises `Refused`."""
    inputs["buildOnPreview"] = inputs.get("buildOnPreview") is True
    options = build(inputs)
    given = inputs.get("build")
    if given is None:
        given = inputs["build"] = {}
    if not isinstance(given, dict):  # unknown as a whole
        return None
    for name, value in (("dockerfile", options.dockerfile), ("context", options.context)):
        if given.get(name) is not UNKNOWN:
            given[name] = value
    message = None
    if UNKNOWN not in (given["dockerfile"], given["context"]):
        _find_dockerfile(options)
        given["contextDigest"] = context.digest(options.context, options.dockerfile)
    if "platform" not in given:
        given["platform"] = host_platform()
        message = (
            f"Building your image for {given['platform']} architecture.\nTo ensure you are building for the correct "
            "platform, consider explicitly setting the `platform` field on ImageBuildOptions."
        )
    _check_names(inputs, options)
    return message


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Name the inputs that changed, and how: `add`, `delete`, `update`. A changed credential is no change."""
    found = dict.fromkeys(new.keys() - old.keys(), "add") | dict.fromkeys(old.keys() - new.keys(), "delete")
    for name in old.keys() & new.keys():
        if old[name] != new[name] and not (name in _CREDENTIALS and _same_server(old[name], new[name])):
            found[name] = "update"
    return found


def host_platform() -> str:
    """The platform that an image is built for where nothing is said: this machine's."""
    machine = platform.machine()
    return f"linux/{_MACHINES.get(machine, machine)}"


def _same_server(old: Any, new: Any) -> bool:
    """Whether a server stayed the same: one that is new or gone does not count either."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return "server" not in old or "server" not in new or old["server"] == new["server"]


def _find_dockerfile(options: Build) -> None:
    path = Path(options.dockerfile)
    try:
        path.stat()
    except OSError as error:
        why = f"stat {path}: {(error.strerror or '').lower()}"
        if path.is_absolute():
            raise Refused(f'expected a relative Dockerfile path; got "{path}" instead: {why}') from None
        told = f'could not open dockerfile at relative path "{options.dockerfile}"'
        beside = Path(options.context, options.dockerfile)
        if beside.exists():
            raise Refused(f'{told}. Try setting `dockerfile` to "{beside}"') from None
        raise Refused(f"{told}: {why}") from None


def _check_names(inputs: Mapping[str, Any], options: Build) -> None:
    pushed = inputs.get("skipPush") is not True
    name = inputs.get("imageName")
    if not isinstance(name, str) or not (pushed or options.cached_images):
        return
    references.host_for_credentials(registry(inputs).server, name)


def _cached_images(given: Any) -> tuple[str, ...]:
    if not isinstance(given, Mapping):
        return ()
    if "images" not in given:
        raise Refused("cacheFrom requires an `images` field")
    images = given["images"]
    if images is UNKNOWN:
        return ()
    if not isinstance(images, list):
        raise Refused("the `images` field must be a list of strings")
    return tuple(image for image in images if isinstance(image, str))


def _known(values: Mapping[str, Any], name: str, default: Any) -> Any:
    value = values.get(name)
    return default if value is None or value is UNKNOWN else value
