"""Deployments name versions, not whatever is the latest."""

import re
from collections.abc import Iterator

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Stack, Verdict, fail, unknown
from azml_policies.serving import setting
from azml_policies.tokens import BATCH_DEPLOYMENT, DEPLOYMENT, OUR_DEPLOYMENT

TYPES = frozenset({DEPLOYMENT, BATCH_DEPLOYMENT, OUR_DEPLOYMENT})
VERSIONS = frozenset(
    f"{package}:{kind}Version"
    for package in ("azml:index", "azure-native:machinelearningservices")
    for kind in ("Model", "Environment", "Code")
)
"""What makes versions, whose ids name them."""
_PLACES = (
    ("model",),
    ("model", "assetId"),
    ("environmentId",),
    ("codeId",),
    ("codeConfiguration", "codeId"),
)
_LATEST = re.compile(r"@latest$|/labels/latest$", re.IGNORECASE)


def judge(resource: Resource, run: Run) -> Verdict:
    """Judge every reference of a deployment to an asset."""
    found = [(path[0], setting(resource, *path)) for path in _PLACES]
    moving = [f"{name} is {value}" for name, value in found if isinstance(value, str) and _LATEST.search(value)]
    if moving:
        return fail(f"{'; '.join(moving)}.")
    if run.preview:
        return PASS  # judge_stack says what of the rest is not known
    return _open(resource)


def judge_stack(stack: Stack, run: Run) -> Iterator[tuple[Resource, Verdict]]:
    """In a preview what is not known yet is the id of a version that the program makes, or a finding."""
    for resource in stack.resources.values() if run.preview else ():
        used = {urn for urns in stack.uses.get(resource.urn, {}).values() for urn in urns}
        if resource.type in TYPES and not any(_is_version(stack, urn) for urn in used):
            yield resource, _open(resource)


def _open(resource: Resource) -> Verdict:
    names = sorted({path[0] for path in _PLACES if not _told(resource, path[0])})
    return unknown(f"{', '.join(names)} not known.") if names else PASS


def _is_version(stack: Stack, urn: str) -> bool:
    return urn in stack.resources and stack.resources[urn].type in VERSIONS


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
    types=TYPES,
    remembers=VERSIONS,
    judge=judge,
    judge_stack=judge_stack,
)
