"""Callers show tokens that expire, not keys that do not."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import on_kubernetes, setting
from azml_policies.tokens import ENDPOINT, OUR_ENDPOINT
from azml_policies.values import UNKNOWN, text


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge an endpoint's way to tell its callers."""
    mode = text(setting(resource, "authMode"))
    if not isinstance(mode, str):
        return unknown(
            "its authMode is not known." if mode is UNKNOWN else "it gives no authMode.", later=mode is UNKNOWN
        )
    if mode.lower() != "key":
        return PASS
    token = "AMLToken" if on_kubernetes(resource) is True else "AADToken"
    return fail("authMode is Key.", f"authMode: {token}, and callers that fetch a token")


RULE = Rule(
    id="key-auth",
    title="Endpoints take tokens, not keys",
    severity=Severity.HIGH,
    cause="An online endpoint whose authMode is Key. Every one can take tokens: managed ones of Entra ID (AADToken).",
    explanation=(
        "A key is the same for all callers, does not expire and says nothing of who calls; whoever may list keys may"
        " call (concept-endpoints-online-auth.md)."
    ),
    remedy="authMode: AADToken (auth_mode: aad_token in a stack file)",
    types=frozenset({ENDPOINT, OUR_ENDPOINT}),
    judge=judge,
)
