"""ARM ids, in any case."""

import pytest

from azml.resources.arm_id import ArmId
from azml.resources.errors import Refused

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


def test_parts() -> None:
    id_ = ArmId.parse(f"{WORKSPACE}/onlineEndpoints/e/deployments/d")
    assert (id_.subscription, id_.resource_group, id_.namespace) == ("s", "g", "Microsoft.MachineLearningServices")
    assert id_.name == "d"
    assert id_.pairs == (("workspaces", "w"), ("onlineEndpoints", "e"), ("deployments", "d"))
    assert id_.parent.text == f"{WORKSPACE}/onlineEndpoints/e"
    assert id_.parent.parent.child("models", "m").text == f"{WORKSPACE}/models/m"


def test_case_of_the_fixed_words_does_not_matter() -> None:
    other = ArmId.parse(WORKSPACE.replace("resourceGroups", "RESOURCEGROUPS"))
    assert other.resource_group == "g"
    assert other.key == ArmId.parse(WORKSPACE).key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/g",
        f"{WORKSPACE}/models",
        "/a/b/c/d/e/f/g/h",
        f"{WORKSPACE}//x",
    ],
)
def test_what_is_none_is_refused_with_the_shape(text: str) -> None:
    with pytest.raises(Refused, match="/subscriptions/<id>"):
        ArmId.parse(text)
