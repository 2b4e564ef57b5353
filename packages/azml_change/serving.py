"""Which endpoint, workspace or registry a resource belongs to.

Owns the grouping: by the component around it, else by what it is made in, else each by itself, so a program without
azml's components is grouped as well. Deliberately explains nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from azml_change.impact import ENDPOINT, RAW_ENDPOINT, REGISTRY, WORKSPACE, azure_name
from azml_change.plan import Plan, Step, kind_of

DEPLOYMENT = "azml:index:ManagedOnlineDeployment"
RAW_DEPLOYMENT = "azure-native:machinelearningservices:OnlineDeployment"

GROUP = "azure-native:containerinstance:ContainerGroup"
TRIAL = "azml:index:ContainerTrial"

_PARTS_OF_ENDPOINTS = (DEPLOYMENT, RAW_DEPLOYMENT, "azml:index:Rollout")

ONLINE_ENDPOINT, A_WORKSPACE, A_REGISTRY = "online endpoint", "workspace", "registry"
CONTAINER_SERVICE, SERVING_IMAGE = "container service", "serving image"
_COMPONENTS = {
    "azml:index:OnlineEndpoint": ONLINE_ENDPOINT,
    "azml:index:Workspace": A_WORKSPACE,
    "azml:index:Registry": A_REGISTRY,
    "azml:index:ContainerService": CONTAINER_SERVICE,
    "azml:index:ServingImage": SERVING_IMAGE,
}
MAIN = {
    ENDPOINT: ONLINE_ENDPOINT,
    RAW_ENDPOINT: ONLINE_ENDPOINT,
    WORKSPACE: A_WORKSPACE,
    REGISTRY: A_REGISTRY,
    GROUP: CONTAINER_SERVICE,
}
"""What gives a subject its name, and the subject's kind."""
_NAMES = {
    ENDPOINT: "name",
    RAW_ENDPOINT: "endpointName",
    WORKSPACE: "workspaceName",
    REGISTRY: "registryName",
    GROUP: "containerGroupName",
}
_PARENTS = ("endpointId", "workspaceId")
"""Inputs with the id of what a resource is made in, the closer one first."""
_RAW_PARENTS = {
    "endpointName": (RAW_ENDPOINT, ONLINE_ENDPOINT),
    "workspaceName": (WORKSPACE, A_WORKSPACE),
    "registryName": (REGISTRY, A_REGISTRY),
}


@dataclass
class Subject:
    """Resources that a reader thinks of as one. An empty kind: a resource that is nobody's."""

    kind: str
    name: str
    steps: list[Step] = field(default_factory=list)

    @property
    def main(self) -> Step | None:
        """The endpoint, workspace or registry itself; None where the plan has none."""
        return next((step for step in self.steps if step.type in MAIN), None)

    def of(self, *types: str) -> list[Step]:
        """Its resources of some types."""
        return [step for step in self.steps if step.type in types]

    @property
    def changes(self) -> list[Step]:
        """Those of its resources that change; components, which are nothing in Azure, aside."""
        return [step for step in self.steps if step.op != "same" and step.custom]


def subjects(plan: Plan) -> list[Subject]:
    """Everything of the plan that changes, by subject; with what does not change beside it."""
    found: dict[str, Subject] = {}
    places = _Places(plan)
    for step in plan.steps.values():
        if not step.type.startswith("pulumi:"):
            key, kind = places.of(step)
            subject = found.setdefault(key, Subject(kind, ""))
            subject.steps.append(step)
    for key, subject in found.items():
        subject.name = _name(key, subject)
    return [subject for subject in found.values() if subject.changes]


def _name(key: str, subject: Subject) -> str:
    main = subject.main
    if main is not None:
        own = (main.old or main.new).get(_NAMES[main.type])
        return str(own or azure_name(main))
    return key.rpartition("::")[2].rpartition("/")[2]


class _Places:
    """Finds the subject of a step. A subject's key is the URN of its component or main resource, or an Azure name."""

    def __init__(self, plan: Plan) -> None:
        self._steps = plan.steps
        self._known: dict[str, tuple[str, str]] = {}
        self._by_name = {(step.type, name): step for step in plan.steps.values() for name in _own_names(step)}

    def of(self, step: Step) -> tuple[str, str]:
        """Key and kind."""
        if step.urn not in self._known:
            self._known[step.urn] = step.urn, ""  # a program whose parts name each other ends here
            self._known[step.urn] = self._find(step)
        return self._known[step.urn]

    def _find(self, step: Step) -> tuple[str, str]:
        around = [urn for urn in self._around(step) if kind_of(urn) in _COMPONENTS]
        if around:
            return around[-1], _COMPONENTS[kind_of(around[-1])]
        if step.type in MAIN:
            return step.urn, MAIN[step.type]
        for name in _PARENTS:
            for urn in (step.old_sources if step.old else step.sources).get(name, ()):
                if urn in self._steps and self._steps[urn].type in MAIN:
                    return self.of(self._steps[urn])
            if isinstance(id_ := step.inputs.get(name), str) and id_.startswith("/"):
                kind = ONLINE_ENDPOINT if name == "endpointId" else A_WORKSPACE
                return f"{kind}/{id_.rpartition('/')[2]}", kind
        for name, (type_, kind) in _RAW_PARENTS.items():
            if isinstance(value := step.inputs.get(name), str):
                made = self._by_name.get((type_, value))
                return (f"{kind}/{value}", kind) if made is None else self.of(made)
        return step.urn, ONLINE_ENDPOINT if step.type in _PARTS_OF_ENDPOINTS else ""

    def _around(self, step: Step) -> Iterator[str]:
        """URNs of itself and of its parents, the closest first; also of one that the plan leaves out."""
        urn, seen = step.urn, set[str]()
        while urn and urn not in seen:
            seen.add(urn)
            yield urn
            urn = self._steps[urn].parent if urn in self._steps else ""


def _own_names(step: Step) -> set[Any]:
    if step.type not in MAIN:
        return set()
    names = {step.old.get(_NAMES[step.type]), step.new.get(_NAMES[step.type])}
    return {name for name in names if isinstance(name, str)}
