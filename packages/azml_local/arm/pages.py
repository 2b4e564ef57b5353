"""Lists in pages: `$top`, `$skiptoken` and the link to what comes next."""

from typing import Any
from urllib.parse import urlencode

from azml_local.arm.call import Answer, Call
from azml_local.arm.errors import ArmError

_PAGE = 100


def page(items: list[Any], call: Call) -> Answer:
    """Cut a list into pages: `$top` items (at most 100) from `$skiptoken` on."""
    skip, top = _count(call, "$skiptoken", 0), _count(call, "$top", _PAGE)
    size = min(top, _PAGE)
    body: dict[str, Any] = {"value": items[skip : skip + size]}
    if skip + size < len(items) and size > 0:
        body["nextLink"] = f"{call.url}?{urlencode({**call.query, '$skiptoken': skip + size})}"
    return Answer(200, body)


def _count(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit():
        raise ArmError(400, "InvalidQueryParameterValue", f"{name} must be a whole number from 0, is '{text}'.")
    return int(text)
