"""The pack as the engine asks it: Pulumi's analyzer protocol over gRPC.

Owns the protocol and where the stage comes from. Why not pulumi-policy: docs/adr/0011. Started by the engine's Python
host (`--policy-pack policies`), which tells of the stack by its environment, or as a program of its own
(`--policy-pack "$PWD/.venv/bin/azml-policies"`), which is told of it by ConfigureStack.
"""

# ruff: noqa: N802, D102 - the protocol names the methods, and says what they do

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message_factory import GetMessageClass
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import analyzer_pb2 as wire
from pulumi.runtime.proto import plugin_pb2

from azml_policies import values, waivers
from azml_policies.pack import LEVELS, PACK, TITLE, WAIVERS, Finding, Level, Pack, Settings
from azml_policies.rule import Resource, Rule, Severity, Stack, Stage
from azml_policies.rules import RULES
from azml_policies.tokens import canonical

NAME = "azml"
STAGE_KEY = "policies:stage"
"""Stack config that names the stage of a program which has no estate."""
PARENT_SECONDS = 2.0
"""Between two looks whether the engine is still there."""

_TO_WIRE = {Level.ADVISORY: wire.ADVISORY, Level.MANDATORY: wire.MANDATORY, Level.DISABLED: wire.DISABLED}
_FROM_WIRE = {number: level for level, number in _TO_WIRE.items()} | {wire.REMEDIATE: Level.MANDATORY}
_SEVERITIES = {
    Severity.LOW: wire.POLICY_SEVERITY_LOW,
    Severity.MEDIUM: wire.POLICY_SEVERITY_MEDIUM,
    Severity.HIGH: wire.POLICY_SEVERITY_HIGH,
    Severity.CRITICAL: wire.POLICY_SEVERITY_CRITICAL,
}


def stage_of(project: str, config: Mapping[str, str]) -> Stage:
    """The stage of a stack: `policies:stage` of its config, else that of its estate, else prod, the strictest."""
    named: Any = config.get(STAGE_KEY)
    if named is None:
        try:
            named = json.loads(config.get(f"{project}:estate", "{}")).get("stage")
        except (ValueError, AttributeError):
            named = None
    named = str(named).lower()
    return Stage(named) if named in set(Stage) else Stage.PROD


class Servicer:
    """The methods of the protocol that the pack has. One process serves one preview or update.

    There is no Remediate, which the engine asks for with every resource: that it is not there is told without reading
    the resource, and the engine goes on (pulumi, sdk/go/common/resource/plugin/analyzer_plugin.go).
    """

    def __init__(self, rules: Iterable[Rule] = RULES, today: date | None = None) -> None:
        self._rules = tuple(rules)
        self._today = today
        self._version = version("azml")
        self._settings = Settings()
        self._analyzing = threading.Lock()
        self._tell(
            os.environ.get("PULUMI_PROJECT", ""),
            json.loads(os.environ.get("PULUMI_CONFIG") or "{}"),
            preview=os.environ.get("PULUMI_DRY_RUN") == "true",
        )

    def Handshake(self, _request: Any, _context: Any) -> wire.AnalyzerHandshakeResponse:
        return wire.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    def ConfigureStack(self, request: Any, _context: Any) -> wire.AnalyzerStackConfigureResponse:
        self._tell(request.project, dict(request.config), preview=request.dry_run)
        return wire.AnalyzerStackConfigureResponse()

    def GetAnalyzerInfo(self, _request: Any, _context: Any) -> wire.AnalyzerInfo:
        info = wire.AnalyzerInfo(name=NAME, displayName=NAME, version=self._version, supportsConfig=True)
        info.policies.extend(self._policy(rule) for rule in self._rules)
        itself = wire.PolicyInfo(
            name=PACK, displayName=TITLE, description=TITLE, enforcementLevel=_TO_WIRE[LEVELS[self._stage]],
            policy_type=wire.POLICY_TYPE_STACK, severity=wire.POLICY_SEVERITY_MEDIUM,
        )  # fmt: skip
        itself.configSchema.properties.update({WAIVERS: waivers.schema(rule.id for rule in self._rules)})
        info.policies.append(itself)
        return info

    def Configure(self, request: Any, _context: Any) -> empty_pb2.Empty:
        """Take what the configuration says. A level is its own where it is not the one that was announced."""
        announced = LEVELS[self._stage]
        levels = {name: _FROM_WIRE[config.enforcementLevel] for name, config in request.policyConfig.items()}
        self._settings = Settings(
            {name: level for name, level in levels.items() if level is not announced},
            {name: values.inputs(config.properties)[0] for name, config in request.policyConfig.items()},
        )
        self._pack = self._new_pack()
        return empty_pb2.Empty()

    def Analyze(self, request: Any, _context: Any) -> wire.AnalyzeResponse:
        type_ = canonical(request.type)
        if not self._pack.remembers(type_):
            return wire.AnalyzeResponse()
        with self._analyzing:
            return self._answer(self._pack.analyze(_resource(request, type_)))

    def AnalyzeStack(self, request: Any, _context: Any) -> wire.AnalyzeResponse:
        resources: dict[str, Resource] = {}
        for each in request.resources:
            type_ = canonical(each.type)
            if self._pack.remembers(type_):
                # The engine shows outputs here; inputs are what rules read, and they were shown before.
                resources[each.urn] = self._pack.seen(each.urn) or _resource(each, type_)
        depends = {each.urn: frozenset(each.dependencies) for each in request.resources}
        uses = {
            each.urn: {name: frozenset(of.urns) for name, of in each.propertyDependencies.items()}
            for each in request.resources
            if each.urn in resources
        }
        with self._analyzing:
            return self._answer(self._pack.analyze_stack(Stack(resources, depends, uses)))

    def Cancel(self, _request: Any, _context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def _tell(self, project: str, config: Mapping[str, str], *, preview: bool) -> None:
        self._stage, self._preview = stage_of(project, config), preview
        self._pack = self._new_pack()

    def _new_pack(self) -> Pack:
        return Pack(self._rules, self._stage, self._settings, preview=self._preview, today=self._today)

    def _policy(self, rule: Rule) -> wire.PolicyInfo:
        info = wire.PolicyInfo(
            name=rule.id, displayName=rule.title, description=rule.title, severity=_SEVERITIES[rule.severity],
            enforcementLevel=_TO_WIRE[LEVELS[self._stage]], policy_type=wire.POLICY_TYPE_RESOURCE,
            remediation_steps=rule.remedy,
        )  # fmt: skip
        if rule.schema:
            info.configSchema.properties.update({name: dict(each) for name, each in rule.schema.items()})
        return info

    def _answer(self, findings: Iterable[Finding]) -> wire.AnalyzeResponse:
        return wire.AnalyzeResponse(
            diagnostics=[
                wire.AnalyzeDiagnostic(
                    policyName=found.rule, policyPackName=NAME, policyPackVersion=self._version, message=found.text,
                    description=found.title, enforcementLevel=_TO_WIRE[found.level], urn=found.urn,
                    severity=_SEVERITIES[found.severity],
                )
                for found in findings
            ]
        )  # fmt: skip


def _resource(request: Any, type_: str) -> Resource:
    inputs, secrets = values.inputs(request.properties)
    return Resource(request.urn, type_, request.name, inputs, request.options.protect, secrets)


def _handlers(servicer: Servicer) -> grpc.GenericRpcHandler:
    service = wire.DESCRIPTOR.services_by_name["Analyzer"]
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(servicer, method.name),
                GetMessageClass(method.input_type).FromString,
                GetMessageClass(method.output_type).SerializeToString,
            )
            for method in service.methods
            if hasattr(servicer, method.name)
        },
    )


def main() -> None:
    """Serve until the engine ends us, or is gone."""
    server = grpc.server(ThreadPoolExecutor(4), options=_GRPC_CHANNEL_OPTIONS)
    server.add_generic_rpc_handlers((_handlers(Servicer()),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    with contextlib.suppress(KeyboardInterrupt):
        while os.getppid() == parent and server.wait_for_termination(PARENT_SECONDS):
            pass
    # Nothing is left to be written, and the engine waits: taking gRPC and Python down takes 50 ms.
    os._exit(0)
