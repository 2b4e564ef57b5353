"""Who reaches an endpoint or a workspace, and what callers have to show.

Owns the words for exposure, callers and addresses. Deliberately judges nothing (`policies`).
"""

from typing import Any

from azml_change import words
from azml_change.impact import Downtime
from azml_change.plan import UNKNOWN, Values, sequence

CALLERS = {"Key": "key", "AMLToken": "Azure ML token", "AADToken": "Microsoft Entra token"}
_EXPOSED = {"Enabled": "internet", "Disabled": "private endpoints only"}

Told = tuple[list[str], Downtime]


def callers(value: Any) -> str:
    """What a caller shows."""
    return CALLERS.get(str(value), words.shown(value))


def exposure(value: Any) -> str:
    """From where it is reached. Absent is Azure's own default, the internet."""
    return _EXPOSED.get(str(value or "Enabled"), words.shown(value))


def of_endpoint(old: Values, new: Values) -> Told:
    """Callers and exposure; whoever is refused afterwards has an outage."""
    lines, downtime = [], Downtime.none
    before, now = old.get("authMode"), new.get("authMode")
    if before != now:
        refused = f"who still sends a {callers(before)} is refused"
        lines.append(f"callers show: {callers(before)} → {callers(now)}; {refused}")
        downtime = Downtime.outage
    before, now = (exposure(inputs.get("publicNetworkAccess")) for inputs in (old, new))
    if before != now:
        private = new.get("publicNetworkAccess") == "Disabled"
        lines.append(f"exposure: {before} → {now}{'; who calls from the internet is refused' if private else ''}")
        downtime = Downtime.outage if private else downtime
    return lines, downtime


def of_workspace(old: Values, new: Values) -> list[str]:
    """Exposure of the workspace itself, which is not that of its endpoints."""
    before, now = (inputs.get("publicNetworkAccess") for inputs in (old, new))
    if exposure(before) == exposure(now) or UNKNOWN in (before, now):
        return []
    return [f"exposure: {exposure(before)} → {exposure(now)}; endpoints go on answering"]


def of_addresses(old: Values, new: Values) -> list[str]:
    """Who is let in from the internet."""
    before, now = _let_in(old), _let_in(new)
    return [] if before == now else [f"addresses let in: {before} → {now}"]


def _let_in(inputs: Values) -> str:
    if str(inputs.get("defaultAction", "Allow")).lower() == "allow":
        return "all"
    rules = sequence(inputs.get("ipRules"))
    return words.listed(str(rule.get("value")) if isinstance(rule, dict) else str(rule) for rule in rules) or "none"
