"""Deployments name versions, not whatever is the latest."""

import re

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import setting
from azml_policies.tokens import BATCH_DEPLOYMENT, DEPLOYMENT, OUR_DEPLOYMENT

_PLACES = (
    ("model",),
    ("model", "assetId"),
    ("environmentId",),
    ("codeId",),
    ("codeConfiguration", "codeId"),
)
_LATEST = re.compile(r"@latest$|/labels/latest$", re.IGNORECASE)


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge every reference of a deployment to an asset."""
    found = [(path[0], setting(resource, *path)) for path in _PLACES]
    moving = [f"{name} is {value}" for name, value in found if isinstance(value, str) and _LATEST.search(value)]
    if moving:
        return fail(f"{'; '.join(moving)}.")
    open_ = sorted({name for name, _ in found if not _told(resource, name)})
    return unknown(f"{', '.join(open_)} not known.") if open_ else PASS


def _told(resource: Resource, name: str) -> bool:
    """Whether a reference is absent, a text, or a map whose own reference is."""
    value = setting(resource, name)
    inner = {"model": "assetId", "codeConfiguration": "codeId"}.get(name)
    if isinstance(value, dict) and inner is not None:
        value = value.get(inner)
    return value is None or isinstance(value, str)


RULE = Rule(
    id="latest-reference",
    title="Deployments name versions, not @latest",
    severity=Severity.MEDIUM,
    cause="A deployment whose model, environment or code is NAME@latest, or the label latest of a registry.",
    explanation=(
        "What it is resolved to depends on the day: the same program deploys other models, no preview shows the change,"
        " and going back is not possible by going back in the program."
    ),
    remedy="azureml:NAME:VERSION, or the id of a version that the program makes",
    types=frozenset({DEPLOYMENT, BATCH_DEPLOYMENT, OUR_DEPLOYMENT}),
    judge=judge,
)
