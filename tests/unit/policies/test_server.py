"""The pack over the wire, as the engine asks it: both ways to be started, stage, levels, what is remembered."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2 as wire
from pulumi.runtime.proto import analyzer_pb2_grpc

from azml_policies.rule import Stage
from azml_policies.rules import RULES
from azml_policies.server import Servicer, stage_of
from tests.unit.policies.kit import NATIVE, OURS, UNKNOWN, struct

ROOT = Path(__file__).parents[3]


@contextmanager
def started(*command: str | Path, **variables: str) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    with subprocess.Popen([*command], env={**kept, **variables}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


def request(type_: str, inputs: dict[str, Any], name: str = "it", *, protect: bool = False) -> Any:
    options = wire.AnalyzerResourceOptions(protect=protect)
    return wire.AnalyzeRequest(
        type=type_, urn=f"urn:pulumi:dev::p::{type_}::{name}", name=name, properties=struct(inputs), options=options
    )


def said(answer: Any) -> list[tuple[str, str, int]]:
    return [
        (each.policyName, each.message.splitlines()[1].partition(":")[0], each.enforcementLevel)
        for each in answer.diagnostics
    ]


KEY = request(OURS + "ManagedOnlineEndpoint", {"authMode": "Key", "publicNetworkAccess": "Disabled"})


def test_as_the_program_of_a_wheel_it_is_told_of_the_stack() -> None:
    with started(ROOT / ".venv" / "bin" / "azml-policies", "127.0.0.1:1") as stub:
        stub.Handshake(wire.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
        assert said(stub.Analyze(KEY)) == [("key-auth", "refused", wire.MANDATORY)]
        stub.ConfigureStack(
            wire.AnalyzerStackConfigureRequest(stack="s", project="p", dry_run=True, config={"policies:stage": "test"})
        )
        with pytest.raises(grpc.RpcError) as refused:  # as the engine may be told: the pack changes nothing
            stub.Remediate(KEY)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        info = stub.GetAnalyzerInfo(empty_pb2.Empty())
        assert [policy.name for policy in info.policies] == [*(rule.id for rule in RULES), "pack"]
        assert info.supportsConfig
        assert said(stub.Analyze(KEY)) == [("key-auth", "warning", wire.ADVISORY)]


def test_as_a_folder_it_finds_the_stack_in_its_environment() -> None:
    estate = json.dumps({"p:estate": json.dumps({"stage": "dev"})})
    python = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policies")]
    with started(*python, PULUMI_PROJECT="p", PULUMI_CONFIG=estate, PULUMI_DRY_RUN="true") as stub:
        assert said(stub.Analyze(KEY)) == [("key-auth", "advice", wire.ADVISORY)]


@pytest.mark.parametrize(("config", "stage"), [
    ({}, Stage.PROD), ({"p:estate": '{"stage": "Test"}'}, Stage.TEST), ({"p:estate": "{}"}, Stage.PROD),
    ({"p:estate": "no json"}, Stage.PROD), ({"p:estate": "[1]"}, Stage.PROD),
    ({"other:estate": '{"stage": "dev"}'}, Stage.PROD),
    ({"policies:stage": "dev", "p:estate": '{"stage": "prod"}'}, Stage.DEV), ({"policies:stage": "dve"}, Stage.PROD),
])  # fmt: skip
def test_the_stage_is_the_stacks(config: dict[str, str], stage: Stage) -> None:
    assert stage_of("p", config) is stage


def configured(stage: str, **levels: int) -> Servicer:
    servicer = Servicer()
    servicer.ConfigureStack(wire.AnalyzerStackConfigureRequest(project="p", config={"policies:stage": stage}), None)
    announced = {policy.name: policy.enforcementLevel for policy in servicer.GetAnalyzerInfo(None, None).policies}
    config = {name: wire.PolicyConfig(enforcementLevel=level) for name, level in {**announced, **levels}.items()}  # type: ignore[arg-type]
    servicer.Configure(wire.ConfigureAnalyzerRequest(policyConfig=config), None)
    return servicer


def test_levels_that_somebody_wrote_are_told_from_those_the_engine_fills_in() -> None:
    assert said(configured("dev").Analyze(KEY, None)) == [("key-auth", "advice", wire.ADVISORY)]
    refuses = configured("dev", **{"key-auth": wire.MANDATORY})
    assert said(refuses.Analyze(KEY, None)) == [("key-auth", "refused", wire.MANDATORY)]
    assert said(configured("prod", **{"key-auth": wire.DISABLED}).Analyze(KEY, None)) == []


def test_settings_come_with_whole_numbers() -> None:
    servicer = Servicer()
    settings = struct({"notice_days": 800, "quota": {"*": 8}})
    config = {"retired-size": wire.PolicyConfig(enforcementLevel=wire.MANDATORY, properties=settings)}
    servicer.Configure(wire.ConfigureAnalyzerRequest(policyConfig=config), None)
    made = request(OURS + "ManagedOnlineDeployment", {"instanceType": "Standard_DS2_v2"})
    assert said(servicer.Analyze(made, None)) == [("retired-size", "refused", wire.MANDATORY)]


def test_protection_comes_with_the_options() -> None:
    registry = NATIVE + "Registry", {"registryProperties": {"publicNetworkAccess": "Disabled"}}
    assert Servicer().Analyze(request(*registry, protect=True), None).diagnostics == []
    assert said(Servicer().Analyze(request(*registry), None))[0][0] == "stateful-delete-or-replace"


def test_a_stack_is_judged_by_the_inputs_and_not_by_the_outputs_that_the_engine_shows_there() -> None:
    """Azure tells another count than the program: an autoscaler moved it."""
    servicer = Servicer()
    servicer.ConfigureStack(wire.AnalyzerStackConfigureRequest(project="p", dry_run=True), None)
    pools = [{"vmSize": "Standard_D3_v2", "enableAutoScaling": True, "minCount": 1, "count": 5}]
    cluster = request("azure-native:containerservice:ManagedCluster", {"agentPoolProfiles": pools}, "aks")
    attached = request(NATIVE + "Compute", {"properties": {"computeType": "AKS", "resourceId": UNKNOWN}}, "attached")
    assert servicer.Analyze(cluster, None).diagnostics == []
    assert servicer.Analyze(attached, None).diagnostics == []
    outputs = struct({"agentPoolProfiles": [{**pools[0], "minCount": 5}]})
    shown = [
        wire.AnalyzerResource(type=cluster.type, urn=cluster.urn, name="aks", properties=outputs),
        wire.AnalyzerResource(
            type=attached.type, urn=attached.urn, name="attached", dependencies=[cluster.urn],
            propertyDependencies={"properties": wire.AnalyzerPropertyDependencies(urns=[cluster.urn])},
        ),
    ]  # fmt: skip
    answer = servicer.AnalyzeStack(wire.AnalyzeStackRequest(resources=shown), None)
    assert said(answer) == [("aks-12-vcpu", "refused", wire.MANDATORY)]
    assert answer.diagnostics[0].urn == attached.urn
