"""The provider's calls: requests of the engine as property maps, answers back.

Owns the translation, the kept inputs (`__inputs`, a secret of state) and when nothing is built. Like the provider it
stands in for, it takes no secrets, compares inputs only, reads nothing back and deletes nothing.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from azml_local.docker import inputs
from azml_local.docker.pushed import Pushed
from azml_local.stand_in.engine import Engine
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.plugin import Plugin
from azml_local.stand_in.values import Secret, from_struct, to_struct

IMAGE = "docker:index/image:Image"
_INPUTS = "__inputs"
_KINDS = {"add": wire.PropertyDiff.ADD, "delete": wire.PropertyDiff.DELETE, "update": wire.PropertyDiff.UPDATE}


class Provider(Plugin):
    """The stand-in, one for a process. Calls come from many threads; each may raise `Refused`."""

    def __init__(self, version: str, engine: Engine) -> None:
        super().__init__("docker", version)
        self._engine, self._pushed = engine, Pushed()

    def configure(self, _request: Any) -> Any:
        """Take any configuration: there is no daemon that it could be about."""
        return wire.ConfigureResponse(supportsPreview=True)

    def invoke(self, request: Any) -> Any:
        """Refuse functions: they ask a daemon."""
        raise Refused(f"docker stand-in does not emulate {request.tok}; it emulates {IMAGE}")

    def check(self, request: Any) -> Any:
        """Complete inputs by defaults and the digest of the context."""
        _only_images(request)
        given = from_struct(request.news)
        if (message := inputs.complete(given)) is not None:
            self._engine.info(request.urn, message)
        return wire.CheckResponse(inputs=to_struct(given))

    def diff(self, request: Any) -> Any:
        """Compare the kept inputs with new ones; nothing replaces."""
        _only_images(request)
        state = from_struct(request.olds)
        found = inputs.changes(state.get(_INPUTS, state), from_struct(request.news))
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if found else wire.DiffResponse.DIFF_NONE,
            detailedDiff={name: wire.PropertyDiff(kind=_KINDS[kind]) for name, kind in found.items()},
            hasDetailedDiff=bool(found),
        )

    def create(self, request: Any) -> Any:
        """Build and push, or foretell the outputs."""
        _only_images(request)
        given = from_struct(request.properties)
        if request.preview and not self._can_preview(request.urn, given):
            return wire.CreateResponse(properties=to_struct(given))
        outputs = self._built(request, given)
        return wire.CreateResponse(id=given["imageName"], properties=to_struct(outputs))

    def read(self, request: Any) -> Any:
        """Give back what state has: the registry is not asked."""
        _only_images(request)
        return wire.ReadResponse(id=request.id, inputs=request.inputs, properties=request.properties)

    def update(self, request: Any) -> Any:
        """Build and push again, or foretell the outputs."""
        _only_images(request)
        given = from_struct(request.news)
        if request.preview and not self._can_preview(request.urn, given):
            return wire.UpdateResponse(properties=to_struct(given))
        return wire.UpdateResponse(properties=to_struct(self._built(request, given)))

    def delete(self, request: Any) -> Any:
        """Leave the registry as it is."""
        _only_images(request)
        return empty_pb2.Empty()

    def cancel(self, _request: Any) -> Any:
        """Do nothing: a build under way goes on to its end."""
        return empty_pb2.Empty()

    def close(self) -> None:
        """There is nothing that a build leaves open."""

    def _built(self, request: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        from azml_local.docker.build import build  # 0.1 s, at no command that builds nothing

        try:
            done = build(
                given,
                self._pushed,
                preview=request.preview,
                status=lambda text: self._engine.status(request.urn, text),
            )
        except OSError as error:  # the disk is full, or a file went away
            raise Refused(f"failed to solve: {error}") from error
        for warning in done.warnings:
            self._engine.warn(request.urn, warning)
        return {**done.outputs, _INPUTS: Secret(given)}

    def _can_preview(self, urn: str, given: Mapping[str, Any]) -> bool:
        if not given.get("buildOnPreview"):
            return False
        if inputs.is_known(given):
            return True
        self._engine.warn(
            urn,
            "Minimum inputs for build are unresolved. Continuing without preview image build. To avoid this warning, "
            "ensure image name, dockerfile, args, and context are resolved at preview.",
        )
        return False


def _only_images(request: Any) -> None:
    """Refuse every resource but `urn:pulumi:stack::project::parent$docker:index/image:Image::name`."""
    token = request.urn.split("::")[2].rpartition("$")[2]
    if token != IMAGE:
        raise Refused(f"docker stand-in does not emulate {token}; it emulates {IMAGE}")
