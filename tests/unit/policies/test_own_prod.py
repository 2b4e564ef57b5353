"""The repository's own prod stack under its own pack: what refuses it, and what its configuration lets advise only."""

import json
from importlib import import_module

from azml.spec import load
from azml_policies.rule import Stage
from tests.support.clone import ROOT
from tests.support.event_loop import own_event_loop
from tests.support.planned import planned
from tests.unit.policies.kit import pack, resource, stack

build = import_module("azml.build")


def test_prod_is_refused_nothing_but_what_its_configuration_lets_pass() -> None:
    stacks = ROOT / "stacks"
    with own_event_loop():
        made = planned(lambda: build.export(build.build(load(stacks, "prod"))))
    program = [resource(each.type, each.inputs, each.name, protect=each.protect) for each in made]
    judge = pack(stage=Stage.PROD)
    found = [finding for each in program for finding in judge.analyze(each)]
    found += judge.analyze_stack(stack(*program))
    refused = {finding.rule for finding in found if finding.word == "refused"}
    config = json.loads((stacks / "policies.json").read_text())
    advisory = {rule for rule, settings in config.items() if settings == {"enforcementLevel": "advisory"}}
    assert refused == advisory == set(config)
