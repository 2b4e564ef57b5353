"""What a request asks for beside its path: a range of a blob, a page of a list."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from azml_local.registry.asked import Answer, Request
from azml_local.registry.errors import RegistryError

JSON = {"Content-Type": "application/json; charset=utf-8"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def asked_range(given: str | None, size: int) -> tuple[int, int]:
    """Read a Range header (RFC 9110, section 14): first and last byte. Raises 416 for one beyond the end."""
    asked = _RANGE.fullmatch(given or "")
    if asked is None or not any(asked.groups()):
        return 0, size - 1
    if not asked[1]:
        start, end = max(size - int(asked[2]), 0), size - 1
    else:
        start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    if start > end:
        headers = {"Content-Range": f"bytes */{size}"}
        text = f"the blob has {size} bytes, and the range is {given}"
        raise RegistryError("SIZE_INVALID", text, status=416, headers=headers)
    return start, end


def page_of(
    request: Request, names: Sequence[str], key: Callable[[str], str], size: int | None = None
) -> tuple[list[str], str | None]:
    """Cut a page out of sorted names by `n` (absent: `size`) and `last`: the page, and the query of the next one."""
    last, given = request.asked("last"), request.asked("n")
    if given is not None and not (given.isascii() and given.isdigit()):
        raise RegistryError("UNSUPPORTED", f"n must be a number, is {given!r}", status=400)
    count = size if given is None else int(given)
    after = [name for name in names if last is None or (key(name), name) > (key(last), last)]
    if count is None or count >= len(after):
        return after, None
    chosen = after[:count]
    query = {"last": chosen[-1], "n": str(count)} if chosen else {}
    if request.asked("orderby"):
        query["orderby"] = request.asked("orderby") or ""
    return chosen, urlencode(query, quote_via=quote) if chosen else None


def page(request: Request, path: str, head: dict[str, str], what: str, names: list[str], key: Any) -> Answer:
    """Answer a list with one page of it, and the address of the next (section "Listing tags")."""
    chosen, following = page_of(request, names, key)
    headers = JSON if following is None else {**JSON, "Link": f'<{path}?{following}>; rel="next"'}
    return Answer(200, headers, json.dumps({**head, what: chosen}).encode())
