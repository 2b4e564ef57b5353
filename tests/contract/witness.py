"""The record of what each contract test reached: which client, which operation of which type, which answer.

`witnesses.json` is written by `make witness` and read by the coverage page. A test that does not reach what the record
says, or reaches more, fails: so the page cannot say what is not so.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.watch import Seen

RECORD = Path(__file__).with_name("witnesses.json")
_REWRITE = "AZML_WRITE_WITNESSES"
_WHO = ("Microsoft Entra ID", "Cloud metadata")
"""Asked by every client once in a while: counted only where a test is about it."""


def read() -> dict[str, dict[str, Any]]:
    """The whole record, by test."""
    found: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    return found


def compare(test: str, seen: Sequence[Seen]) -> None:
    """Hold a test to its record, or (where asked to) write it."""
    name, record = test.removeprefix("tests/contract/"), read()
    counted = [one for one in seen if one.type not in _WHO or name.startswith("test_identity.py")]
    found = _record(counted)
    if not os.environ.get(_REWRITE):
        assert found == record.get(name), f"recorded is {record.get(name)}, reached was {found}: see `make witness`"
        return
    lines = [f" {json.dumps(test)}: {json.dumps(what)}" for test, what in sorted({**record, name: found}.items())]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _record(seen: Sequence[Seen]) -> dict[str, Any]:
    reached: dict[str, dict[str, set[str]]] = {}
    settings: dict[str, set[str]] = {}
    for one in seen:
        if one.client:
            reached.setdefault(one.client, {}).setdefault(one.type, set()).add(f"{one.operation} {one.status}")
        for name, value in one.settings.items():
            settings.setdefault(name, set()).add(str(value))
    made: dict[str, Any] = {
        client: {type_: sorted(found) for type_, found in sorted(types.items())}
        for client, types in sorted(reached.items())
    }
    if settings:
        made["settings"] = {name: sorted(values) for name, values in sorted(settings.items())}
    if refusals := sorted({one.refusal.partition(". ")[0] for one in seen if one.refusal}):
        made["not emulated"] = refusals
    return made
