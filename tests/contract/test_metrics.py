"""azure-mgmt-monitor: metrics of an endpoint and of a deployment, how they are split and added up, and refusals."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.monitor import MonitorManagementClient

from azml_gateway.counts import Second, step
from tests.contract import estate
from tests.contract.clients import Clients, refused
from tests.unit.local.support import Running

TEN = 1_767_607_200
"""2026-01-05T10:00:00Z."""
TWO_MINUTES = "2026-01-05T10:00:00Z/2026-01-05T10:02:00Z"
EVERY = "deployment eq '*' and statusCode eq '*' and statusCodeClass eq '*' and modelStatusCode eq '*'"


@pytest.fixture
def monitor(clients: Clients) -> MonitorManagementClient:
    return clients.of(MonitorManagementClient)


@pytest.fixture(scope="module")
def endpoint(clients: Clients, group: str) -> Any:
    """Has a deployment `blue` and a shadow."""
    ml, workspace = clients.of(MachineLearningServicesMgmtClient), estate.workspace(clients, group)
    at, name = (group, workspace.name), f"x-{uuid4().hex[:8]}"
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    made = ml.online_endpoints.begin_create_or_update(*at, name, body).result()
    for deployment in ("blue", "shadow"):
        wanted = estate.deployment_body(clients, at, workspace)
        ml.online_deployments.begin_create_or_update(*at, name, deployment, wanted).result()
    return made


@pytest.fixture(autouse=True)
def counted(azure: Running) -> Iterator[None]:
    """In the first minute blue answers 50 requests and fails 10, and a copy goes to the shadow; in the second, 6."""
    well, ill = ("blue", 200, 200, step(0.020)), ("blue", 424, 500, step(0.100))
    copy, stranger = ("shadow", 200, 200, step(0.005)), ("", 401, 0, step(0.001))
    azure.plane.counted = [
        Second(TEN + 10, 3, 3, live={well: 30, ill: 10}),
        Second(TEN + 11, 3, 0, live={well: 20}, mirror={copy: 4}),
        Second(TEN + 70, 0, 0, live={well: 6, stranger: 2}),
    ]
    yield
    azure.plane.counted = []


def shown(answer: Any) -> list[tuple[dict[str, str], list[float | None]]]:
    """Every time series of the one metric of an answer: its dimensions, its averages."""
    (metric,) = answer.value
    assert metric.error_code == "Success"
    return [
        ({one.name.value: one.value for one in series.metadatavalues}, [point.average for point in series.data])
        for series in metric.timeseries
    ]


def test_requests_by_every_dimension(monitor: MonitorManagementClient, endpoint: Any) -> None:
    """Dimensions come back in lower case, as in the reference's examples."""
    answer = monitor.metrics.list(
        endpoint.id, timespan=TWO_MINUTES, interval="PT1M", metricnames="RequestsPerMinute", filter=EVERY, top=100
    )
    assert shown(answer) == [
        (_values("blue", "200", "2xx", "200"), [50, 6]),
        (_values("blue", "424", "4xx", "500"), [10, None]),
        (_values("unknown", "401", "4xx", "unknown"), [None, 2]),
    ]
    assert (answer.timespan, answer.interval, answer.resourceregion) == (TWO_MINUTES, "PT1M", "eastus")
    assert answer.namespace == "microsoft.machinelearningservices/workspaces/onlineendpoints"
    (metric,) = answer.value
    assert (metric.name.value, metric.unit, metric.type) == ("RequestsPerMinute", "Count", "Microsoft.Insights/metrics")
    assert metric.id == f"{endpoint.id}/providers/Microsoft.Insights/metrics/RequestsPerMinute"
    assert [point.time_stamp.isoformat() for point in metric.timeseries[0].data] == [
        "2026-01-05T10:00:00+00:00",
        "2026-01-05T10:01:00+00:00",
    ]


def _values(deployment: str, status: str, class_: str, model: str) -> dict[str, str]:
    return {"deployment": deployment, "statuscode": status, "statuscodeclass": class_, "modelstatuscode": model}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [({}, [30, 4])]),  # the mean of 50 and 10, of 6 and 2: metrics-aggregation-explained
        ({"interval": "FULL"}, [({}, [17])]),  # of 50, 10, 6 and 2
        ({"interval": "PT5M"}, [({}, [17])]),
        ({"filter": "deployment eq 'BLUE'"}, [({"deployment": "blue"}, [30, 6])]),
        ({"filter": "statuscode eq '200' or statuscode eq '424'", "rollupby": "statusCode"}, [({}, [30, 6])]),
        (
            {"filter": "statusCode eq '*'", "top": 1, "orderby": "average desc"},
            [({"statuscode": "200"}, [50, 6])],
        ),
        ({"filter": "statusCode eq '*'", "top": 1, "orderby": "average asc"}, [({"statuscode": "401"}, [None, 2])]),
        ({"filter": "deployment eq 'green'"}, []),
        ({"filter": "colour eq 'red'", "validate_dimensions": False}, [({}, [30, 4])]),
    ],
)
def test_requests_added_up(monitor: MonitorManagementClient, endpoint: Any, more: Any, expected: Any) -> None:
    given = {"timespan": TWO_MINUTES, "interval": "PT1M", "metricnames": "RequestsPerMinute", **more}
    assert shown(monitor.metrics.list(endpoint.id, **given)) == expected


def test_latencies(monitor: MonitorManagementClient, endpoint: Any) -> None:
    """Of the 60 requests in the first minute 50 took 20 ms and 10 took 100 ms."""
    names = "RequestLatency,RequestLatency_P50,RequestLatency_P90"
    answer = monitor.metrics.list(
        endpoint.id, timespan=TWO_MINUTES, metricnames=names, filter="deployment eq 'blue'", aggregation="average"
    )
    for metric, milliseconds in zip(answer.value, ((50 * 20 + 10 * 100) / 60, 20, 100), strict=True):
        assert metric.unit == "MilliSeconds"
        assert metric.timeseries[0].data[0].average == pytest.approx(milliseconds, rel=0.01)


def test_connections(monitor: MonitorManagementClient, endpoint: Any) -> None:
    names = "ConnectionsActive,NewConnectionsPerSecond"
    active, new = monitor.metrics.list(endpoint.id, timespan=TWO_MINUTES, metricnames=names).value
    assert [point.average for point in active.timeseries[0].data] == [6 / 60, 0]
    assert [point.average for point in new.timeseries[0].data] == [3 / 60, 0]
    assert new.unit == "CountPerSecond"


def test_a_deployment_has_its_own(monitor: MonitorManagementClient, endpoint: Any) -> None:
    of = f"{endpoint.id}/deployments/blue"
    split = {"filter": "envoy_response_code eq '*'", "timespan": TWO_MINUTES, "metricnames": "RequestsPerMinute"}
    assert shown(monitor.metrics.list(of, **split)) == [
        ({"envoy_response_code": "200"}, [50, 6]),
        ({"envoy_response_code": "424"}, [10, None]),
    ]
    (latency,) = shown(monitor.metrics.list(of, timespan=TWO_MINUTES, metricnames="RequestLatency_P95"))
    assert latency[1][0] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    ("where", "shadow", "whole"), [("deployment", [4, None], 30), ("both", [4, None], 64 / 3), ("nowhere", None, 30)]
)
def test_mirrored_requests(
    monitor: MonitorManagementClient,
    endpoint: Any,
    settings: Callable[..., None],
    where: str,
    shadow: list[float | None] | None,
    whole: float,
) -> None:
    settings(mirrored_requests=where)
    asked = {"timespan": TWO_MINUTES, "metricnames": "RequestsPerMinute"}
    found = shown(monitor.metrics.list(f"{endpoint.id}/deployments/shadow", **asked))
    assert [points for _, points in found] == ([] if shadow is None else [shadow])
    ((_, points),) = shown(monitor.metrics.list(endpoint.id, **asked))
    assert points[0] == pytest.approx(whole)


def test_only_the_values_of_dimensions(monitor: MonitorManagementClient, endpoint: Any) -> None:
    answer = monitor.metrics.list(
        endpoint.id,
        timespan=TWO_MINUTES,
        metricnames="RequestsPerMinute",
        filter="deployment eq '*'",
        result_type="Metadata",
    )
    found = answer.value[0].timeseries
    assert [[value.value for value in one.metadatavalues] for one in found] == [["blue"], ["unknown"]]
    assert not any(one.data for one in found)


def test_definitions(monitor: MonitorManagementClient, endpoint: Any, settings: Callable[..., None]) -> None:
    settings(metric_grain_seconds=60)
    found = {one.name.value: one for one in monitor.metric_definitions.list(endpoint.id)}
    requests = found["RequestsPerMinute"]
    assert [one.value for one in requests.dimensions] == [
        "deployment",
        "statusCode",
        "statusCodeClass",
        "modelStatusCode",
    ]
    assert requests.primary_aggregation_type == "Average"
    assert [one.time_grain.total_seconds() for one in requests.metric_availabilities][:2] == [60, 300]
    below = {one.name.value for one in monitor.metric_definitions.list(f"{endpoint.id}/deployments/blue")}
    assert below == {"RequestsPerMinute", *(f"RequestLatency_P{rank}" for rank in (50, 90, 95, 99))}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metricnames": "PublicationView"}, r"Failed to find metric configuration .* metric: PublicationView, Valid"),
        ({"interval": "PT3M"}, "Invalid time grain duration: PT3M, supported ones are: .*00:01:00,00:05:00"),
        ({"interval": "1m"}, "Invalid time grain duration: 1m"),
        ({"filter": "colour eq 'red'"}, "does not support requested dimension combination: colour, supported ones are"),
        ({"filter": "statusCode eq '200' or deployment eq 'blue'"}, "'or' cannot separate two different dimensions"),
        ({"filter": "statusCode = 200"}, "not of the form"),
        ({"metricnamespace": "microsoft.insights/components"}, "Detect invalid value: microsoft.insights/components"),
        ({"timespan": "yesterday"}, "Invalid timespan: yesterday"),
        ({"timespan": "2026-01-05T10:02:00Z/2026-01-05T10:00:00Z"}, "the earlier one first"),
        ({"aggregation": "Median"}, "Invalid aggregation type: median"),
        ({"top": 3}, "valid only if \\$filter is specified"),
    ],
)
def test_refusals(monitor: MonitorManagementClient, endpoint: Any, more: dict[str, Any], said: str) -> None:
    """Texts as users of the service reported them (azure-sdk-for-net 29584, azure-libraries-for-net 495 and others)."""
    given = {"timespan": TWO_MINUTES, "metricnames": "RequestsPerMinute", **more}
    with pytest.raises(HttpResponseError, match=said) as error:
        monitor.metrics.list(endpoint.id, **given)
    assert refused(error) == (400, "BadRequest")


def test_the_grain_is_honoured(monitor: MonitorManagementClient, endpoint: Any, settings: Callable[..., None]) -> None:
    asked = {
        "timespan": "2026-01-05T10:00:10Z/2026-01-05T10:00:12Z",
        "interval": "PT1S",
        "metricnames": "RequestsPerMinute",
        "filter": "statusCode eq '200'",
    }
    assert shown(monitor.metrics.list(endpoint.id, **asked)) == [({"statuscode": "200"}, [30, 20])]
    settings(metric_grain_seconds=60)
    with pytest.raises(HttpResponseError, match="supported ones are: 00:01:00,00:05:00"):
        monitor.metrics.list(endpoint.id, **asked)


def test_an_aggregation_that_a_metric_does_not_have(monitor: MonitorManagementClient, endpoint: Any) -> None:
    """The answer is good and says of the metric what is wrong: the reference's example GetMetricError."""
    (metric,) = monitor.metrics.list(
        endpoint.id, timespan=TWO_MINUTES, metricnames="RequestsPerMinute", aggregation="Total"
    ).value
    assert (metric.error_code, metric.timeseries) == ("InvalidSamplingType", [])


@pytest.mark.parametrize("more", [{"metricnames": "NetworkBytes"}, {"metricnames": ""}])
def test_what_is_not_emulated(monitor: MonitorManagementClient, endpoint: Any, more: dict[str, str]) -> None:
    with pytest.raises(HttpResponseError) as error:
        monitor.metrics.list(endpoint.id, **more)
    assert refused(error) == (501, "NotImplemented")


def test_of_an_endpoint_that_is_not_there(monitor: MonitorManagementClient, endpoint: Any) -> None:
    with pytest.raises(HttpResponseError) as error:
        monitor.metrics.list(f"{endpoint.id}-gone", metricnames="RequestsPerMinute")
    assert refused(error) == (404, "ResourceNotFound")
