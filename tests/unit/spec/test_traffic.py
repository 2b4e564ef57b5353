"""Who answers: the rules of traffic."""

from typing import Any

import pytest

from azml.spec import OnlineEndpointSpec, Problem, SpecError

EXISTING = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/churn"
)


def endpoint(*names: str, **fields: Any) -> OnlineEndpointSpec:
    shared = {"instance_type": "Standard_DS3_v2", "model": "azureml:m:1", "environment": "azureml:e:1"}
    return OnlineEndpointSpec.from_args(
        {"name": "churn", "deployments": [{"name": name, **shared} for name in names]} | fields
    )


def refused(*names: str, **fields: Any) -> Problem:
    with pytest.raises(SpecError) as caught:
        endpoint(*names, **fields)
    [problem] = caught.value.problems
    return problem


def test_one_deployment_gets_everything_unless_something_is_said() -> None:
    assert endpoint("blue").traffic == {"blue": 100}
    assert "traffic" not in endpoint("blue").model_fields_set
    assert endpoint("blue", traffic={}).traffic == {}
    assert endpoint("blue", traffic={"blue": 0}).traffic == {"blue": 0}
    assert endpoint().traffic == {}


def test_two_deployments_need_a_word() -> None:
    problem = refused("blue", "green")
    assert problem.fix == "add traffic: {blue: 100, green: 0}"


@pytest.mark.parametrize(
    "traffic", [{"blue": 90, "green": 10}, {"blue": 0, "green": 0}, {"blue": 100}, {"blue": "100"}]
)
def test_traffic_adds_up(traffic: dict[str, Any]) -> None:
    assert sum((endpoint("blue", "green", traffic=traffic).traffic or {}).values()) in {0, 100}


@pytest.mark.parametrize(
    ("traffic", "total"), [({"blue": 90, "green": 20}, 110), ({"blue": 50}, 50), ({"blue": 99, "green": 0}, 99)]
)
def test_traffic_that_does_not_add_up(traffic: dict[str, int], total: int) -> None:
    problem = refused("blue", "green", traffic=traffic)
    assert (problem.path, problem.what) == ("traffic", f"adds up to {total}")


def test_traffic_to_nobody() -> None:
    problem = refused("blue", traffic={"bleu": 100})
    assert (problem.path, problem.what, problem.fix) == (
        "traffic.bleu",
        "there is no such deployment",
        "did you mean blue?",
    )


@pytest.mark.parametrize("percent", [-1, 101, 50.5, True, "half"])
def test_what_is_no_percentage(percent: Any) -> None:
    assert refused("blue", "green", traffic={"blue": percent, "green": 0}).path == "traffic.blue"


def test_mirrored_traffic() -> None:
    live = {"blue": 100, "green": 0}
    assert endpoint("blue", "green", traffic=live, mirror_traffic={"green": 50}).mirror_traffic == {"green": 50}
    assert endpoint("blue", "green", traffic=live, mirror_traffic={"green": 0}).mirror_traffic == {"green": 0}
    assert refused("blue", "green", traffic=live, mirror_traffic={"green": 51}).what == "is too much to copy"
    assert "not both" in refused("blue", "green", traffic=live, mirror_traffic={"blue": 10}).what
    several = refused("blue", "green", "grey", traffic={"blue": 100}, mirror_traffic={"green": 10, "grey": 10})
    assert several.what == "2 deployments get a copy"


def test_twenty_deployments_and_not_one_more() -> None:
    names = [f"blue-{number}" for number in range(21)]
    assert len(endpoint(*names[:20], traffic={"blue-0": 100}).deployments) == 20
    assert refused(*names, traffic={"blue-0": 100}).what == "21 deployments are too many"


def test_azure_compares_names_without_case() -> None:
    problem = refused("blue", "Blue", traffic={"blue": 100})
    assert problem.path == "deployments.Blue.name"
    assert "two things here are called blue" in problem.what


def test_the_traffic_of_an_existing_endpoint_is_left_alone() -> None:
    assert endpoint("blue", existing=EXISTING).traffic is None
    assert endpoint("blue", existing=EXISTING, traffic={"blue": 10, "theirs": 90}).traffic == {"blue": 10, "theirs": 90}
