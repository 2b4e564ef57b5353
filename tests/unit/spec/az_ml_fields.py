"""The fields of az ml's four serving files, as Microsoft's own schemas declare them, and where our verdict differs.

Owns the walk over those schemas and the two lists of differences, each with its reason. What is in neither list must be
judged alike (`test_az_ml_fields.py`).
"""

import copy
import re
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from marshmallow import fields

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # as in `tests.support.official`
    from azure.ai.ml._schema._deployment.online.online_deployment import ManagedOnlineDeploymentSchema
    from azure.ai.ml._schema._endpoint.online.online_endpoint import ManagedOnlineEndpointSchema
    from azure.ai.ml._schema.assets.environment import EnvironmentSchema
    from azure.ai.ml._schema.assets.model import ModelSchema
    from azure.ai.ml._schema.core.fields import ExperimentalField, UnionField

SCHEMAS = {
    "model": ModelSchema,
    "environment": EnvironmentSchema,
    "online_endpoint": ManagedOnlineEndpointSchema,
    "online_deployment": ManagedOnlineDeploymentSchema,
}
ESTATES = {
    "model": "models: [{file: FILE}]",
    "environment": "environments: [{file: FILE}]",
    "online_endpoint": "online_endpoints: [{file: FILE}]",
    "online_deployment": "online_endpoints: [{name: churn, deployments: [{file: FILE}]}]",
}
SMALLEST: dict[str, dict[str, Any]] = {
    "model": {"name": "taxi", "path": "model"},
    "environment": {"name": "sk", "image": "mcr.microsoft.com/x:1"},
    "online_endpoint": {"name": "churn"},
    "online_deployment": {
        "name": "blue",
        "endpoint_name": "churn",
        "instance_type": "Standard_DS3_v2",
        "model": "azureml:taxi:1",
        "environment": "azureml:sk:1",
    },
}
ROUTES = {f"{kind}_route": {"path": "/", "port": 8000} for kind in ("liveness", "readiness", "scoring")}
BLOCKS: dict[str, Any] = {
    "model": {"name": "taxi", "path": "model"},
    "environment": {"name": "sk", "image": "mcr.microsoft.com/x:1"},
    "build": {"path": "context"},
    "inference_config": ROUTES,
    "code_configuration": {"code": "code", "scoring_script": "score.py"},
    "scale_settings": {"type": "default"},
    "data_collector": {"collections": {"request": {"enabled": "true"}}},
    "identity": {"type": "system_assigned"},
}
"""What a block must hold besides the field that is tried."""

STRICTER = {
    r"name|.*\.data\.name": "Azure's rules for names; az ml leaves them to submission and to the service",
    r"endpoint_name": "the file stands under its endpoint, and must mean that one",
    r"version|.*\.data\.version": "a number such as 1.10 is 1.1 by the time az ml sends it; ids hold no spaces",
    r"tags|properties|environment_variables": "the API holds text only",
    r"path": "files must be there; az ml looks for them at submission",
    r"flavors": "a flavor is a map; az ml falls over it at submission",
    r"datastore": "Azure's rules for names",
    r"(default|allowed)_deployment_templates?.*": "a workspace's models have none: az ml sends them to registries only",
    r"auto_delete_setting.*": "az ml reads it and sends nothing of it, so it would not happen",
    r"build": "a build needs its folder",
    r"build\.(path|dockerfile_path)": "folder and file must be there; az ml looks for them at submission",
    r"conda_file": "a conda file has dependencies; the service finds out while building",
    r"inference_config\.\w+\.port": "ports are 1 to 65535",
    r"location": "no Azure region is called so",
    r"identity\.(type|user_assigned_identities)": "a user-assigned identity is one that is named by its ARM id",
    r"traffic|mirror_traffic": "the service's rules: the sum is 0 or 100, and deployments must be there",
    r"model|environment": "a version that cannot be known beforehand (no version, a label), or nothing to register",
    r"code_configuration(\.\w+)?": "the script must be there; az ml looks for it at submission",
    r"request_settings\.\w+|\w+_probe\.\w+|instance_count": "the service's limits; az ml cuts 1.5 to 1 without a word",
    r"instance_type": "what managed endpoints offer",
    r"private_network_connection": "the API of today has it no more",
    r"scale_settings(\.\w+)?": "az ml says so at submission: ManagedOnlineEndpoint supports DefaultScaleSettings only",
    r"data_collector\.collections\.\*\.data(\.(path|data_id))?": "az ml falls over it at submission, or ignores it",
    r"type": "Kubernetes comes with a later release",
}
KINDER = {
    r"system_metadata|(.*\.)?(id|provisioning_state|scoring_uri|openapi_uri|principal_id|tenant_id)": "never looked at",
    r"build\.path": "az ml takes no host without a dot",
    r"identity\.user_assigned_identities": "also the map that workspaces have",
    r"model|environment": "an ARM id is as good without azureml: before it; an inline model may be in the cloud",
    r"model\.path": "an inline model may be in the cloud; az ml hashes its files",
    r"data_collector\.collections\.\*\.enabled": "true needs no quotes",
    r"data_collector\.collections\.\*\.data\.version": "a whole number needs no quotes, as everywhere else",
}
"""Paths, in full and as patterns, to why we refuse what az ml takes, and take what it refuses. For all paths alike:
null removes a value, so it is taken."""


def paths(kind: str) -> list[str]:
    """Every field of a file that az ml reads: `*` for entries of maps, `[]` for items of lists. Read-only ones too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marshmallow calls `context` deprecated
        return list(dict.fromkeys(_walk(SCHEMAS[kind](context={"base_path": Path()}))))


def _walk(schema: Any, above: str = "") -> Iterator[str]:
    for name, field in schema.fields.items():
        path = f"{above}{field.data_key or name}"
        yield path
        if not field.dump_only:
            yield from _below(field, path)


def _below(field: Any, path: str) -> Iterator[str]:
    if isinstance(field, ExperimentalField):
        yield from _below(field._experimental_field, path)
    elif isinstance(field, UnionField):
        for option in field._union_fields:
            yield from _below(option, path)
    elif isinstance(field, fields.Nested):
        yield from _walk(field.schema, f"{path}.")
    elif isinstance(field, fields.List):
        yield from _below(field.inner, f"{path}.[]")
    elif isinstance(field, fields.Dict) and field.value_field is not None:
        yield from _below(field.value_field, f"{path}.*")


def with_value(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The smallest file of a kind, with a value at a path."""
    whole = copy.deepcopy(SMALLEST[kind])
    block: Any = whole
    parts = path.split(".")
    for part, after in pairwise(parts):
        if part == "[]":
            continue
        key = "request" if part == "*" else part
        if not isinstance(block.get(key), dict):
            block[key] = copy.deepcopy(BLOCKS.get(key, {}))
        if after == "[]":
            block[key] = [{}]
            block = block[key][0]
        else:
            block = block[key]
    block["request" if parts[-1] == "*" else parts[-1]] = value
    if "build" in parts:
        (whole["environment"] if kind == "online_deployment" else whole).pop("image")
    return whole


def reason(differences: dict[str, str], path: str) -> str | None:
    """Why a path may be judged otherwise; a deployment's inline model and environment are judged like their files."""
    inline = re.sub(r"^(model|environment)\.", "", path)
    return next((why for known, why in differences.items() for one in (path, inline) if re.fullmatch(known, one)), None)
