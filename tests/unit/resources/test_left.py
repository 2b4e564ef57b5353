"""What an interrupted create left is found by whose it is, and is none of others'."""

from typing import Any

import pytest

from azml.resources.handler import Handler
from azml.resources.handlers import HANDLERS
from azml.resources.managed_online_deployment import ManagedOnlineDeploymentHandler
from azml.resources.managed_online_endpoint import ManagedOnlineEndpointHandler
from azml.resources.rollout import RolloutHandler
from tests.unit.resources.conftest import Azure

OTHER = "urn:pulumi:dev::p::azml:index:Thing::another"


@pytest.mark.parametrize("type_", HANDLERS)
def test_every_type_can_tell(type_: str) -> None:
    assert type(HANDLERS[type_]).left is not Handler.left


def test_an_endpoint(azure: Azure) -> None:
    handler = ManagedOnlineEndpointHandler()
    inputs = handler.check({"workspaceId": azure.workspace, "name": "left", "authMode": "Key"})
    assert handler.left(azure.work(), inputs) is None
    made = handler.create(azure.work(), inputs)
    assert handler.left(azure.work(), inputs) == made
    assert handler.left(azure.work(OTHER), inputs) is None


def test_a_deployment_of_this_release(azure: Azure) -> None:
    handler, endpoint = ManagedOnlineDeploymentHandler(), azure.endpoint()
    inputs = azure.deployment_inputs(endpoint, "blue", release="1")
    assert handler.left(azure.work(), inputs) is None
    made = handler.create(azure.work(), inputs)
    assert handler.left(azure.work(), inputs) == made
    assert handler.left(azure.work(), {**inputs, "release": "2"}) is None
    assert handler.left(azure.work(OTHER), inputs) is None


def test_a_rollout_that_marked_the_endpoint(azure: Azure) -> None:
    """On its way or done, on an endpoint of this stack or of others: the endpoint remembers what it was before."""
    handler, endpoint = RolloutHandler(), azure.endpoint()
    azure.deployment(endpoint, "blue")
    inputs: dict[str, Any] = {"endpointId": endpoint, "traffic": {"blue": 100}}
    for work in (azure.work(), azure.work("urn:pulumi:prod::another::azml:index:Rollout::r")):
        assert handler.left(work, inputs) is None
        made = handler.create(work, inputs)
        found = handler.left(work, inputs)
        assert found == made
        assert handler.id_of(inputs, found) == handler.id_of(inputs, made)
        assert handler.left(azure.work(OTHER), inputs) is None, "a rollout of another name has marked nothing yet"
