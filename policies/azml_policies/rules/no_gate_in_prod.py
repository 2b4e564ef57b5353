"""In prod a release shows something before it is live."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Stage, Verdict, fail, unknown
from azml_policies.tokens import ROLLOUT
from azml_policies.values import UNKNOWN, Unknown, table

GATES = ("smoke", "golden", "schema", "latencyP95Ms", "maxP95Ratio", "maxErrorRate", "mirrorFirst")
"""Settings of a rollout's gates that ask for something; the others say how."""


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge a rollout's gates."""
    gates = table(resource.at("gates"))
    if isinstance(gates, Unknown):
        return unknown("its gates are not known.")
    asked = [gates.get(name) for name in GATES]
    if any(
        value is not UNKNOWN and value is not None and value is not False and value not in ([], {}) for value in asked
    ):
        return PASS
    if UNKNOWN in asked:
        return unknown("whether it has a gate is not known.")
    return fail("a new release gets live requests before anybody has asked it anything: it has no gate.")


RULE = Rule(
    id="no-gate-in-prod",
    title="In prod a release passes a gate before it is live",
    severity=Severity.MEDIUM,
    cause="A Rollout in stage prod without gates: no smoke or golden request, no bound on latency or errors.",
    explanation=(
        "That a deployment started says nothing of its answers. A gate asks it before callers do, and a rollout whose"
        " gate fails leaves the traffic as it was."
    ),
    remedy="rollout: {gates: {smoke: [request.json]}}, with a request that the model must answer",
    types=frozenset({ROLLOUT}),
    judge=judge,
    stages=frozenset({Stage.PROD}),
)
