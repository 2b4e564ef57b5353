"""From any estate to the bodies that Azure gets: each is one that ARM's own types allow.

azure-native's bodies are made by the stand-in's mapping from the program's inputs, azml's by its handlers. Expected is
`azml.facts.arm_types`, which both are judged by and neither is made from.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import azml
from azml.facts import arm_types
from azml.resources import code_version, environment_version, model_version
from azml.resources.arm_id import ArmId
from azml.resources.handlers import HANDLERS
from azml.resources.resource import token
from azml.resources.upload import Uploaded
from azml.resources.wire import to_python, to_struct
from azml.resources.work import Work
from azml.spec import StackSpec
from azml.spec.references import resource_type
from azml_local.azure_native import mapping, naming, nodes, table, validation
from azml_local.azure_native.changes import VERSION
from tests.support.arm_model import Sent
from tests.support.estates import CONFIG, estates, write_files
from tests.support.planned import Registered, planned

BLOCKS = [("workspace",), ("container_registry",), ("registries",), ("models", "environments"), ("online_endpoints",)]
ML = "2025-12-01"
_AFTER_ASSETS = [token(name) for name in ("ManagedOnlineEndpoint", "ManagedOnlineDeployment", "Rollout")]
_MAKES_NOTHING = token("NameClaim")
_BOUNDED = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a program takes a fifth of a second: to shrink what failed would take minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estate")
    write_files(folder)
    return folder


@pytest.mark.parametrize("blocks", BLOCKS, ids="+".join)
def test_every_body_is_valid(folder: Path, monkeypatch: pytest.MonkeyPatch, blocks: tuple[str, ...]) -> None:
    """One property over all that estates can say, a block at a time."""
    for kind in (code_version, environment_version, model_version):
        monkeypatch.setattr(kind, "upload", _upload)

    @settings(_BOUNDED)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        spec = StackSpec.from_args(data.draw(estates(folder, *blocks)))
        made = [one for one in planned(lambda: azml.export(azml.build(spec)), CONFIG) if not one.exists]
        for resource in made:
            if resource.type.startswith("azure-native:"):
                _judge_azure_native(resource)
        arm = _Arm()
        for type_ in (*sorted(HANDLERS.keys() - {*_AFTER_ASSETS, _MAKES_NOTHING}), *_AFTER_ASSETS):
            for resource in (one for one in made if one.type == type_):
                _judge_azml(arm, resource)

    holds()


def _judge_azure_native(resource: Registered) -> None:
    row = table.resource(resource.type)
    node, inputs = nodes.body(row), dict(resource.inputs)
    inputs.setdefault(naming.parameters(row)[-1], "made-up-by-the-provider")
    if "location" in node.inputs:
        inputs.setdefault("location", "eastus")  # the provider's config, or the group's
    body = mapping.to_body(node, inputs)
    _judge(arm_types.resource(row.type, row.version), body, resource.name)
    # The provider leaves out what it does not know, without a word: nothing of the program's may be lost so.
    in_path = {name for name in naming.parameters(row) if name not in node.inputs}
    said = {name: value for name, value in inputs.items() if name not in {*in_path, VERSION}}
    assert _full(mapping.to_inputs(node, body)) == _full(said), resource
    assert not [failure for failure in validation.failures(row, inputs) if "Name'" not in failure], resource


def _judge_azml(arm: "_Arm", resource: Registered) -> None:
    """What the handler sends to make it, and to make it again where a write did not succeed."""
    handler = HANDLERS[resource.type]
    work = Work(lambda: arm, "urn:pulumi:dev::p::t::n", threading.Event(), lambda *_: None)  # type: ignore[arg-type]
    inputs = handler.check(to_python(to_struct(resource.inputs)))
    arm.sent = []
    state = handler.create(work, inputs)
    assert arm.sent, resource.type
    for id_, _ in list(arm.sent):
        arm.resources[id_.lower()]["properties"]["provisioningState"] = "Failed"
    handler.update(work, inputs, inputs, state)
    for id_, body in arm.sent:
        arm.resources[id_.lower()]["properties"]["provisioningState"] = "Succeeded"
        _judge(arm_types.resource(resource_type(id_) or id_, ML), body, resource.name)


def _judge(type_: arm_types.ArmType, body: Any, what: str) -> None:
    assert type_.problems(body) == [], f"{type_.type} of {what}: {body}"


def _full(value: Any) -> Any:
    """Without what is empty: an import leaves that out."""
    if isinstance(value, dict):
        return {key: full for key, item in value.items() if (full := _full(item)) not in (None, {}, [])}
    return [_full(item) for item in value] if isinstance(value, list) else value


def _upload(_work: Work, _workspace: ArmId, path: Path, *_: Any) -> Uploaded:
    return Uploaded(f"azureml://datastores/workspaceblobstore/paths/{path.name}", f"https://store/c/{path.name}")


class _Arm:
    """Keeps what is written as it was sent. Parents that others made are there."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, Any]] = []

    def find(self, id_: str, _version: str) -> dict[str, Any] | None:
        return self.resources.get(id_.lower())

    def get(self, id_: str, version: str) -> dict[str, Any]:
        theirs = {"id": id_, "location": "eastus", "tags": {}, "properties": {"authMode": "Key"}}
        return self.find(id_, version) or theirs

    def list_all(self, _id: str, _version: str) -> list[dict[str, Any]]:
        return []

    def glance(self, *_: Any) -> dict[str, Any]:
        return {}

    def now(self) -> float:
        return 0.0

    def put(self, id_: str, _version: str, sent: Sent, _work: Work) -> dict[str, Any]:
        body = dict(sent() if callable(sent) else sent)
        self.sent.append((id_, body))
        self.resources[id_.lower()] = {**body, "id": id_, "properties": {**body["properties"]}}
        return self.resources[id_.lower()]

    def patch(self, id_: str, version: str, sent: Sent, _work: Work) -> dict[str, Any]:
        return self.get(id_, version) | dict(sent() if callable(sent) else sent)

    @contextlib.contextmanager
    def lock(self, _key: str) -> Iterator[None]:
        yield
