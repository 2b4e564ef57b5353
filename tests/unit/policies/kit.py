"""What tests of rules are made of: resources as the engine shows them, and a pack that judges them.

Values go through the protocol's own marks, so that a rule sees what it sees in a run.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.protobuf import struct_pb2

from azml_policies import values
from azml_policies.pack import Finding, Pack, Settings
from azml_policies.rule import Resource, Rule, Stack, Stage
from azml_policies.rules import RULES

TODAY = date(2026, 11, 21)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The mark of an unknown text (pulumi, sdk/python/lib/pulumi/runtime/rpc.py); there is one for each kind of value."""
RULE = {rule.id: rule for rule in RULES}
NATIVE, OURS = "azure-native:machinelearningservices:", "azml:index:"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g"


def secret(value: Any) -> dict[str, Any]:
    """A value that the user declared secret, as the protocol has it."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


def struct(inputs: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(inputs)
    return made


def resource(
    type_: str, inputs: Mapping[str, Any], name: str = "it", *, protect: bool = False, parent: str = ""
) -> Resource:
    """`parent`: token of the component that it is a part of."""
    plain, secrets = values.inputs(struct(inputs))
    qualified = f"{parent}${type_}" if parent else type_
    return Resource(f"urn:pulumi:dev::p::{qualified}::{name}", type_, name, plain, protect, secrets)


def pack(
    *rules: str,
    stage: Stage = Stage.PROD,
    preview: bool = True,
    settings: Settings | None = None,
    today: date = TODAY,
) -> Pack:
    chosen: tuple[Rule, ...] = tuple(RULE[name] for name in rules) or RULES
    return Pack(chosen, stage, settings or Settings(), preview=preview, today=today)


def judged(
    rule: str,
    *resources: Resource,
    config: Mapping[str, Any] | None = None,
    uses: Mapping[str, Mapping[str, list[str]]] | None = None,
    **how: Any,
) -> list[Finding]:
    """What a rule says of resources that are registered one after the other."""
    one = pack(rule, settings=Settings(rules={rule: config or {}}), **how)
    found = [found for each in resources for found in one.analyze(each)]
    return found + [found for found in one.analyze_stack(stack(*resources, uses=uses)) if found.rule == rule]


def stack(*resources: Resource, uses: Mapping[str, Mapping[str, list[str]]] | None = None) -> Stack:
    """A program at its end. `uses`: names of the resources whose outputs an input is made of, by resource and input."""
    by_name = {each.name: each.urn for each in resources}
    used = {
        by_name[name]: {key: frozenset(by_name[other] for other in others) for key, others in inputs.items()}
        for name, inputs in (uses or {}).items()
    }
    depends = {each.urn: frozenset[str]().union(*used.get(each.urn, {}).values()) for each in resources}
    return Stack({each.urn: each for each in resources}, depends, used)


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    """Level and word of each."""
    return [(str(found.level), found.word) for found in findings]
