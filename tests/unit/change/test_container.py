"""Container services and images in plans made by hand: what is interrupted, what is lost, and that nothing is hidden.

From what Container Instances do: an update restarts the group; CPU, memory, network, zone and restart policy take a new
one (container-instances-update.md); a group without a DNS label has an address that comes and goes with it.
"""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_change.impact import Downtime, Explanation
from azml_change.plan import Plan
from azml_change.report import explain
from tests.support.plans import UNKNOWN, reported, step, urn

SERVICE, GROUP = "azml:index:ContainerService", "azure-native:containerinstance:ContainerGroup"
KEYS, TRIAL = "azml:index:ServiceKeys", "azml:index:ContainerTrial"
IMAGES, IMAGE, ALIAS = "azml:index:ServingImage", "docker:index/image:Image", "azml:index:ImageAlias"
MARKED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
OF_SERVICE = urn(SERVICE, "churn")
INPUTS: dict[str, Any] = {
    "containerGroupName": "churn", "resourceGroupName": "rg", "location": "westeurope", "restartPolicy": "Always",
    "ipAddress": {"type": "Public", "dnsNameLabel": "churn-1", "ports": [{"port": 80}]},
    "containers": [{
        "name": "churn", "image": f"cr.example/churn@sha256:{'a' * 64}",
        "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}},
        "environmentVariables": [{"name": "AZML_AUTH_MODE", "value": "key"}],
    }],
}  # fmt: skip
OUTPUTS = {"ipAddress": {"fqdn": "churn-1.westeurope.azurecontainer.io", "ip": "203.0.113.9"}}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The group's inputs with another value somewhere; without one where it is None."""
    found = copy.deepcopy(INPUTS)
    inner: Any = found
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in outer:
        inner = inner[part]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return found


def told(
    op: str, new: dict[str, Any] | None, *more: dict[str, Any], old: dict[str, Any] | None = None, **how: Any
) -> Explanation:
    """What is said of the service, whose group becomes `new`."""
    before = {} if op == "create" else old or INPUTS
    differ = {name: "update" for name in {**before, **(new or {})} if before.get(name) != (new or {}).get(name)}
    group = step(op, GROUP, "churn", before, new, parent=OF_SERVICE, diff=differ, outputs=OUTPUTS, **how)
    component = {**step("same", SERVICE, "churn"), "urn": OF_SERVICE}
    component["newState"]["custom"] = False
    (one,) = reported(component, group, *more).explained
    return one


def test_another_image_restarts_it_in_place() -> None:
    keys = step("same", KEYS, "churn-keys", parent=OF_SERVICE)
    one = told("update", changed("containers.0.image", f"cr.example/churn@sha256:{'b' * 64}"), keys)
    assert (one.title, one.downtime, one.lost) == ("container service churn", Downtime.brief, ())
    assert one.lines == [
        "image churn@aaaaaaaaaaaa → churn@bbbbbbbbbbbb",
        "then restarted in place: nobody answers until the container is ready again; URL and keys stay",
    ]


@pytest.mark.parametrize(("path", "value", "line"), [
    ("containers.0.resources.requests.cpu", 2, "cpu 1 → 2"),
    ("containers.0.resources.requests.memoryInGB", 3, "memory 1.5 GB → 3 GB"),
    ("restartPolicy", "Never", "restart policy Always → Never"),
])  # fmt: skip
def test_what_takes_a_new_group_is_an_outage_and_the_url_stays(path: str, value: Any, line: str) -> None:
    one = told("replace", changed(path, value))
    assert (one.downtime, one.lost) == (Downtime.outage, ())
    assert one.lines[0] == line
    assert one.lines[-1].endswith("URL stays")


@pytest.mark.parametrize(("op", "path", "value", "line"), [
    ("update", "ipAddress.dnsNameLabel", "churn-2", "label churn-1 → churn-2"),
    ("replace", "ipAddress.type", "Private", "exposure: internet → its network only"),
    ("replace", "location", "eastus", "location westeurope → eastus"),
    ("replace", "resourceGroupName", UNKNOWN, None),
])  # fmt: skip
def test_a_url_that_goes_is_lost_and_comes_first(op: str, path: str, value: Any, line: str | None) -> None:
    new = changed(path, value)
    if line is None:  # another group: the label is made of its id
        new["ipAddress"] = {**new["ipAddress"], "dnsNameLabel": UNKNOWN}
    one = told(op, new)
    assert [str(loss) for loss in one.lost] == ["URL churn-1.westeurope.azurecontainer.io"]
    assert one.downtime is Downtime.outage
    assert (line or "resource group rg → another one") in one.lines
    assert "URL" not in one.lines[-1]


def test_tls_makes_another_url() -> None:
    """http://…:5001 becomes https://scorer.contoso.com:8443; and with its own port still another scheme and name."""
    trial = {"name": "churn-trial"}
    tls = step("update", TRIAL, "churn-trial", trial, {**trial, "cname": "scorer.contoso.com"}, parent=OF_SERVICE)
    for one in (
        told("replace", changed("ipAddress.ports", [{"port": 8443}])),
        told("update", {**INPUTS, "volumes": MARKED}, tls),
    ):
        assert [str(loss) for loss in one.lost] == ["URL churn-1.westeurope.azurecontainer.io"]
        assert one.downtime is Downtime.outage
        assert "URL" not in one.lines[-1]


def test_a_group_without_a_label_has_another_address_when_it_is_made_again() -> None:
    bare = changed("ipAddress.dnsNameLabel", None)
    one = told("replace", {**bare, "restartPolicy": "Never"}, old=bare)
    assert len(one.lost) == 1
    assert told("update", {**bare, "tags": {"a": "b"}}, old=bare).lost == ()


def test_a_service_that_is_deleted_loses_its_url_and_keys() -> None:
    keys = step("delete", KEYS, "churn-keys", {"service": "churn"}, parent=OF_SERVICE)
    one = told("delete", None, keys)
    assert [str(loss) for loss in one.lost] == ["URL churn-1.westeurope.azurecontainer.io and its keys"]
    assert (one.downtime, one.lines) == (Downtime.outage, ["deleted"])


def test_keys_that_are_made_anew_are_lost() -> None:
    keys = step("replace", KEYS, "churn-keys", {"service": "a"}, {"service": "b"}, parent=OF_SERVICE)
    one = told("update", changed("containers.0.environmentVariables", MARKED), keys)
    assert [str(loss) for loss in one.lost] == ["keys of churn"]
    assert one.downtime is Downtime.outage
    assert "keys: made anew; who still sends an old one is refused" in one.lines


@pytest.mark.parametrize(
    ("before", "now", "downtime"), [("key", "none", Downtime.brief), ("none", "key", Downtime.outage)]
)
def test_who_may_call_is_said(before: str, now: str, downtime: Downtime) -> None:
    path = "containers.0.environmentVariables"
    asks = [changed(path, [{"name": "AZML_AUTH_MODE", "value": mode}]) for mode in (before, now)]
    made = step("delete" if now == "none" else "create", KEYS, "churn-keys", {"service": "churn"}, parent=OF_SERVICE)
    one = told("update", asks[1], made, old=asks[0])
    assert one.lines[0].startswith(f"callers show: {before} → {now}")
    assert "keys" not in " ".join(one.lines), "there are none that anybody could lack"
    assert (one.downtime, one.lost) == (downtime, ())


def test_keys_of_the_program_take_the_place_of_made_ones() -> None:
    keys = step("delete", KEYS, "churn-keys", {"service": "churn"}, parent=OF_SERVICE)
    one = told("update", changed("containers.0.environmentVariables", MARKED), keys)
    assert "keys: the program's own; who still sends an old one is refused" in one.lines
    assert one.downtime is Downtime.outage


@pytest.mark.parametrize(("name", "value"), [
    ("identity", {"type": "SystemAssigned"}), ("diagnostics", {"logAnalytics": {"workspaceId": "w"}}),
    ("initContainers", [{"name": "i"}]), ("dnsConfig", {"nameServers": ["a"]}),
    ("imageRegistryCredentials", [{"server": "cr.example", "password": MARKED}]), ("volumes", MARKED),
])  # fmt: skip
def test_no_setting_changes_without_a_word(name: str, value: Any) -> None:
    """Beside others as well, and never with a secret."""
    both = {**changed("containers.0.image", "cr.example/churn:2"), name: value}
    lines = told("update", both).lines
    assert lines[0].startswith("image ")
    assert any(line.startswith(name) for line in lines)
    assert "hunter2" not in " ".join(lines)


def test_every_container_of_a_group_is_told_of() -> None:
    sidecar = {"name": "logs", "image": "logs:1", "resources": {"requests": {"cpu": 1, "memoryInGB": 1}}}
    before = {**INPUTS, "containers": [*INPUTS["containers"], sidecar]}
    after = {**INPUTS, "containers": [*INPUTS["containers"], {**sidecar, "image": "logs:2"}]}
    assert "logs: image logs:1 → logs:2" in told("update", after, old=before).lines
    assert "logs: removed" in told("update", INPUTS, old=before).lines


def test_a_new_one_says_from_where_and_with_what_it_is_called() -> None:
    one = told("create", INPUTS)
    assert one.lines == ["new: cpu 1, memory 1.5 GB; callers show: key; exposure: internet"]
    assert one.downtime is Downtime.none


def test_gates_alone_are_said_though_the_engine_calls_that_no_change() -> None:
    gates = {"name": "churn-trial", "gates": {"smoke": ["a.json"]}}
    trial = step("same", TRIAL, "churn-trial", gates, {**gates, "gates": {"latencyP95Ms": 200}}, parent=OF_SERVICE)
    one = told("same", INPUTS, trial)
    assert one.lines == ["next change: gates smoke (1 request) → 95 % of the requests within 200 ms"]
    assert one.downtime is Downtime.none


def test_a_trial_that_an_earlier_run_left_is_said() -> None:
    trial = step("update", TRIAL, "churn-trial", {"name": "churn-trial"}, diff={"name": "update"}, parent=OF_SERVICE)
    component = {**step("same", SERVICE, "churn"), "urn": OF_SERVICE}
    trial["detailedDiff"]["name"]["inputDiff"] = False  # as the engine says of what a handler found in Azure
    left = {
        "urn": trial["urn"],
        "severity": "info",
        "message": "The trial group churn-trial is still there: it is deleted.",
    }
    plan = Plan.read("dev", {"steps": [component, trial], "diagnostics": [left]})
    (one,) = explain(plan).explained
    assert one.lines == ["The trial group churn-trial is still there: it is deleted."]


def test_retention_that_deletes_images_is_said() -> None:
    of = urn(IMAGES, "churn")
    alias = step("update", ALIAS, "churn-alias", {"keep": 10}, {"keep": 3}, parent=of, diff={"keep": "update"})
    component = {**step("same", IMAGES, "churn"), "urn": of}
    (one,) = reported(component, step("same", IMAGE, "churn", parent=of), alias).explained
    assert one.lines == ["keeps the newest 3: older images that nothing runs are deleted"]


_NAMED = st.sampled_from(["", "a", "b|c", UNKNOWN, MARKED])
_CONTAINERS = st.sampled_from([UNKNOWN, MARKED]) | st.lists(
    st.fixed_dictionaries({}, optional={
        "name": st.sampled_from(["a", "b"]), "image": _NAMED, "command": st.just(["x"]), "resources": st.just(UNKNOWN),
        "environmentVariables": st.just(UNKNOWN) | st.just([{"name": "AZML_AUTH_MODE", "value": "key"}, UNKNOWN]),
    }) | st.just(UNKNOWN), max_size=2,
)  # fmt: skip
_ADDRESS = st.sampled_from([UNKNOWN, MARKED]) | st.fixed_dictionaries(
    {"type": _NAMED}, optional={"dnsNameLabel": _NAMED, "ports": st.sampled_from([[], [UNKNOWN], UNKNOWN, MARKED])}
)
_GROUPS = st.fixed_dictionaries({}, optional={
    "containers": _CONTAINERS, "ipAddress": _ADDRESS, "location": _NAMED, "identity": _NAMED, "zones": _NAMED,
    "group": st.sampled_from([UNKNOWN, MARKED]) | st.fixed_dictionaries({"containers": _CONTAINERS}), "keep": _NAMED,
})  # fmt: skip
_TYPES = st.sampled_from([GROUP, TRIAL, KEYS, IMAGE, ALIAS])
_OPS = st.sampled_from(["create", "update", "delete", "replace", "same"])


@settings(max_examples=200)
@given(
    st.lists(st.tuples(_OPS, _TYPES, _GROUPS, _GROUPS, st.sampled_from([OF_SERVICE, urn(IMAGES, "i"), ""])), max_size=4)
)
def test_whatever_a_plan_has_is_told_and_no_secret(made: list[tuple[str, str, Any, Any, str]]) -> None:
    """Missing, unknown, secret and senseless values; a group with a known address never goes without a word."""
    steps = [
        step(op, type_, f"r{number}", old, new, parent=parent, diff=dict.fromkeys({**old, **new}, "update"))
        for number, (op, type_, old, new, parent) in enumerate(made)
    ]
    report = reported(*steps)
    assert "hunter2" not in str(report.wire())
    for one in report.explained:
        if one.kind == "container service" and one.op in ("delete", "replace"):
            assert one.downtime is Downtime.outage
