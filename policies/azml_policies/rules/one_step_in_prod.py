"""In prod a release gets its traffic in steps."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Stage, Verdict, fail, unknown
from azml_policies.tokens import ROLLOUT
from azml_policies.values import Unknown, listed, whole


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge a rollout's steps."""
    steps = listed(resource.at("steps"))
    if isinstance(steps, Unknown):
        return unknown("its steps are not known.")
    first = whole(steps[0]) if steps else 100
    if isinstance(first, Unknown) or first is None:
        return unknown("its first step is not known.")
    if first >= 100:
        return fail(f"a new release gets 100 % in one step: steps are {steps or 'not given'}.")
    return PASS


RULE = Rule(
    id="one-step-in-prod",
    title="In prod a release gets its traffic in steps",
    severity=Severity.MEDIUM,
    cause="A Rollout in stage prod without steps, or whose first step is 100.",
    explanation=(
        "What is wrong with a release then hits every caller at once. With steps it hits a few, and the rollout goes"
        " back. Traffic that a program sets on an azure-native endpoint is not judged: it shows the shares of now, not"
        " the way there."
    ),
    remedy="rollout: {steps: [10, 50, 100], bake_time: PT10M}",
    types=frozenset({ROLLOUT}),
    judge=judge,
    stages=frozenset({Stage.PROD}),
)
