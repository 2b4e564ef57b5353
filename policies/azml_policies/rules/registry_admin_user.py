"""Container registries have no password that everybody shares."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.tokens import IMAGES
from azml_policies.values import Unknown, flag


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge a registry's admin user."""
    enabled = flag(resource.at("adminUserEnabled"))
    if isinstance(enabled, Unknown):
        return unknown("whether its admin user is enabled is not known.")
    return fail("adminUserEnabled is true.") if enabled else PASS


RULE = Rule(
    id="registry-admin-user",
    title="Container registries have no admin user",
    severity=Severity.HIGH,
    cause="A container registry with adminUserEnabled: true. Absent is false.",
    explanation=(
        "The admin user is one name and password with every right, for whoever has them. Azure ML needs it no more:"
        " identities with AcrPull pull images (container-registry-authentication.md)."
    ),
    remedy="adminUserEnabled: false, and the role AcrPull for the identity that pulls",
    types=frozenset({IMAGES}),
    judge=judge,
)
