"""A stack's preview as people read it: its endpoints and services, the most important first.

Owns the order, what a whole stack's downtime is, and that a thing that vanishes beside a new one was probably renamed.
"""

import dataclasses
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from azml_change import assets, container, endpoint, masks, noise, other, rollout, serving, workspace
from azml_change.impact import Downtime, Explanation, Loss, losses
from azml_change.plan import Finding, Plan, Remark, Step
from azml_change.serving import Subject

_Said = TypeVar("_Said", Remark, Finding)
_VERBS = {"create": "new", "delete": "deleted", "replace": "replaced"}


@dataclass(frozen=True)
class Report:
    """What is said of one stack."""

    stack: str
    explained: tuple[Explanation, ...]
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    """Warnings; and the errors, where the engine gave up."""
    failed: bool = False
    noise: int = 0
    """Steps of the plan that change nothing."""
    changes: dict[str, int] = field(default_factory=dict)
    """Resources by what becomes of them."""

    @property
    def downtime(self) -> Downtime:
        """The worst."""
        return max((one.downtime for one in self.explained), default=Downtime.none)

    @property
    def lost(self) -> list[Loss]:
        """All that is lost."""
        return [loss for one in self.explained for loss in one.lost]

    @property
    def refused(self) -> bool:
        """Whether a policy refuses."""
        return any(one.refuses for one in self.findings)

    @property
    def broken(self) -> bool:
        """Whether the engine failed for another reason than a policy."""
        return self.failed and any(one.severity == "error" for one in self.remarks)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.explained or self.findings or self.remarks or self.failed)

    def wire(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "stack": self.stack,
            "failed": self.failed,
            "downtime": self.downtime.name,
            "changes": self.changes,
            "noise": self.noise,
            "subjects": [
                {
                    "of": one.title,
                    "kind": one.kind,
                    "name": one.name,
                    "downtime": one.downtime.name,
                    "lost": [str(loss) for loss in one.lost],
                    "lines": one.lines,
                    "way_back": one.way_back,
                    "resources": [{"op": step.op, "type": step.type, "name": step.name} for step in one.resources],
                }
                for one in self.explained
            ],
            "findings": [asdict(one) for one in self.findings],
            "remarks": [asdict(one) for one in self.remarks],
        }


def explain(plan: Plan) -> Report:
    """Explain a plan."""
    quiet, count = noise.without(plan)
    quiet = container.with_quiet_changes(rollout.with_quiet_changes(quiet))
    environments = assets.environments(quiet)
    found = serving.subjects(quiet)
    told = [_one(subject, quiet, environments) for subject in found]
    _say_renamed(told)
    changes: dict[str, int] = {}
    for step in quiet.steps.values():
        if step.op != "same" and step.custom and not step.type.startswith("pulumi:"):
            changes[step.op] = changes.get(step.op, 0) + 1
    said = ("error", "warning") if plan.failed else ("warning",)
    remarks = tuple(_masked(remark) for remark in plan.remarks if remark.severity in said)
    explained = sorted((one for one in told if one.lines or one.lost), key=lambda one: one.order)
    return Report(
        plan.stack, tuple(explained), tuple(map(_masked, plan.findings)), remarks, plan.failed, count, changes
    )


def _masked(said: _Said) -> _Said:
    """What programs and policies say may quote a value."""
    return dataclasses.replace(said, text=masks.in_text(said.text))


def _one(subject: Subject, plan: Plan, environments: dict[str, Step]) -> Explanation:
    if subject.kind == serving.ONLINE_ENDPOINT:
        told = endpoint.explain(subject, plan, environments)
    elif subject.kind == serving.CONTAINER_SERVICE:
        told = container.explain_service(subject, plan)
    elif subject.kind == serving.SERVING_IMAGE:
        told = container.explain_image(subject, plan)
    elif subject.kind:
        told = workspace.explain(subject, plan)
    else:
        told = _alone(subject, plan)
    told.resources = tuple(subject.changes)
    told.lines = [masks.in_text(line) for line in told.lines]
    return told


def _alone(subject: Subject, plan: Plan) -> Explanation:
    """A resource that belongs to nothing that azml knows."""
    (step,) = subject.steps
    lost = tuple(losses([step]))
    kind = workspace.PARTS.get(step.type, (step.type,))[0]
    if step.op in _VERBS:
        lines = [_VERBS[step.op] if step.op != "replace" else f"replaced: {endpoint.reasons(step)}"]
    else:
        lines = [*other.properties(step), *other.tags([step]), *workspace.protection([step])]
        lines = lines or plan.remarks_on(step.urn)
    return Explanation(kind, step.name, Downtime.outage if lost else Downtime.none, lines, lost=lost, op=step.op)


def _say_renamed(told: list[Explanation]) -> None:
    for kind in (serving.ONLINE_ENDPOINT, serving.CONTAINER_SERVICE, serving.A_WORKSPACE, serving.A_REGISTRY):
        gone = [one for one in told if (one.kind, one.op) == (kind, "delete")]
        new = [one for one in told if (one.kind, one.op) == (kind, "create")]
        if len(gone) == len(new) == 1:
            noun = kind.rpartition(" ")[2]
            answers = kind in (serving.ONLINE_ENDPOINT, serving.CONTAINER_SERVICE)
            then = f"another one, {'with a URL and keys of its own' if answers else 'and empty'}"
            gone[0].lines.insert(1, f"looks renamed to {new[0].name}: no {noun} can be, so that is {then}")
