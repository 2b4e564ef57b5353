"""Functions of the SDK: who am I, and reading resources that are not the program's."""

import re
from collections.abc import Mapping
from typing import Any

from azml_local.azure_native import mapping, naming, nodes, table
from azml_local.azure_native.account import Account
from azml_local.azure_native.arm import Limit
from azml_local.azure_native.changes import VERSION
from azml_local.azure_native.errors import ArmError
from azml_local.azure_native.table import NotEmulated
from azml_local.stand_in.errors import Refused

_GETTER = re.compile(r"(azure-native:[\w/]+:)get(\w+)")


def call(account: Account, token: str, args: Mapping[str, Any], limit: Limit) -> dict[str, Any]:
    """Answer a function: `getClientConfig`, or `get<Type>` of any resource in the table. Raises `Refused`."""
    if token == "azure-native:authorization:getClientConfig":  # noqa: S105 - a function's token, not a secret
        return {
            "clientId": account.client_id,
            "objectId": account.object_id,
            "subscriptionId": account.subscription_id,
            "tenantId": account.tenant_id,
        }
    getter = _GETTER.fullmatch(token)
    if getter is None:
        raise Refused(f"azure-native stand-in does not emulate the function {token}")
    try:
        row = table.resource(getter.group(1) + getter.group(2))
    except NotEmulated as error:
        raise Refused(f"azure-native stand-in does not emulate the function {token}") from error
    id_ = naming.resource_id(row, args, account.subscription_id)
    try:
        answer = account.arm.get(id_, row.version, limit)
    except ArmError as error:
        raise Refused(f"request failed {id_}: {error}") from error
    return {**mapping.to_outputs(nodes.body(row), answer), VERSION: row.version}
