"""The provider's calls: requests of the engine as property maps, answers back.

Owns the translation only; what a call means is `crud`. Like the provider it stands in for, it takes no secrets: the
engine hands over plain values and marks outputs itself.
"""

import os
import threading
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from azml_local.azure_native import changes, crud, functions, mapping, naming, nodes, table, validation
from azml_local.azure_native.account import Account, configure
from azml_local.azure_native.arm import Limit
from azml_local.azure_native.table import Row
from azml_local.stand_in.engine import Engine
from azml_local.stand_in.errors import Refused
from azml_local.stand_in.plugin import Plugin
from azml_local.stand_in.values import from_struct, to_struct

_CONFIG = "azure-native:config:"
_STABLE = ("name", "location")
"""Outputs that no update changes."""


class Provider(Plugin):
    """The stand-in, one for a process. Calls come from many threads; each may raise `Refused`."""

    def __init__(self, version: str, engine: Engine) -> None:
        super().__init__("azure-native", version)
        self._engine = engine
        self._cancelled = threading.Event()
        self._configured: Account | None = None

    def configure(self, request: Any) -> Any:
        """Find the local Azure."""
        config = {key.removeprefix(_CONFIG): value for key, value in request.variables.items()}
        self.close()
        self._configured = configure(config, os.environ)
        return wire.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    def invoke(self, request: Any) -> Any:
        """Call a function."""
        answer = functions.call(self._account, request.tok, from_struct(request.args), self._limit())
        return wire.InvokeResponse(**{"return": to_struct(answer)})

    def check(self, request: Any) -> Any:
        """Complete inputs by names, location and version, and validate them."""
        row, inputs, old = _row(request), from_struct(request.news), from_struct(request.olds)
        naming.complete(row, inputs, old, request.urn, request.randomSeed, _proposal(request))
        crud.complete(self._account, row, inputs, old, self._limit())
        failures = [wire.CheckFailure(reason=reason) for reason in validation.failures(row, inputs)]
        return wire.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def diff(self, request: Any) -> Any:
        """Compare old with new inputs."""
        row, state = _row(request), from_struct(request.olds)
        found = changes.between(row, from_struct(request.old_inputs), from_struct(request.news), state)
        some = found.detailed
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if found.changed else wire.DiffResponse.DIFF_NONE,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_before_replace,
            diffs=found.changed,
            detailedDiff={
                place: wire.PropertyDiff(kind=int(kind), inputDiff=place in found.of_inputs)  # type: ignore[arg-type]
                for place, kind in some.items()
            },
            hasDetailedDiff=True,
        )

    def create(self, request: Any) -> Any:
        """Create, or foretell the outputs."""
        row, inputs = _row(request), from_struct(request.properties)
        if request.preview:
            return wire.CreateResponse(properties=to_struct(mapping.preview(nodes.body(row), inputs)))
        made = crud.create(self._account, row, inputs, self._limit(request.timeout))
        self._pass_on(request.urn, made.warning)
        return wire.CreateResponse(id=made.id, properties=to_struct(made.outputs))

    def read(self, request: Any) -> Any:
        """Read for a refresh, or for an import, which sends no inputs."""
        inputs = from_struct(request.inputs) if request.HasField("inputs") else None
        state = from_struct(request.properties)
        found = crud.read(self._account, _row(request), request.id, inputs, state, self._limit(request.timeout))
        if found is None:
            return wire.ReadResponse()
        return wire.ReadResponse(id=found.id, properties=to_struct(found.outputs), inputs=to_struct(found.inputs))

    def update(self, request: Any) -> Any:
        """Update, or foretell the outputs."""
        row, inputs, state = _row(request), from_struct(request.news), from_struct(request.olds)
        if request.preview:
            stable = {name: state[name] for name in _STABLE if name in state}
            outputs = {**mapping.preview(nodes.body(row), inputs), **stable}
            return wire.UpdateResponse(properties=to_struct(outputs))
        old = from_struct(request.old_inputs)
        made = crud.update(self._account, row, inputs, old, state, self._limit(request.timeout))
        self._pass_on(request.urn, made.warning)
        return wire.UpdateResponse(properties=to_struct(made.outputs))

    def delete(self, request: Any) -> Any:
        """Delete."""
        crud.delete(self._account, _row(request), request.id, self._limit(request.timeout))
        return empty_pb2.Empty()

    def cancel(self, _request: Any) -> Any:
        """Stop polling; what Azure does goes on."""
        self._cancelled.set()
        return empty_pb2.Empty()

    def close(self) -> None:
        """Let go of the local Azure."""
        if self._configured is not None:
            self._configured.close()

    @property
    def _account(self) -> Account:
        if self._configured is None:
            raise Refused("the azure-native stand-in is not configured yet")
        return self._configured

    def _limit(self, seconds: float = 0.0) -> Limit:
        return Limit(self._cancelled, seconds)

    def _pass_on(self, urn: str, warning: str | None) -> None:
        if warning is not None:
            self._engine.warn(urn, warning)


def _row(request: Any) -> Row:
    """The row for `urn:pulumi:stack::project::parent$azure-native:module:Class::name`."""
    return table.resource(request.urn.split("::")[2].rpartition("$")[2])


def _proposal(request: Any) -> naming.Proposal | None:
    if not request.HasField("autonaming"):
        return None
    return naming.Proposal(naming.Mode(request.autonaming.mode), request.autonaming.proposed_name)
