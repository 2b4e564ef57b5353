"""ISO 8601 durations, as Azure Monitor reads and writes them: days, hours, minutes, seconds."""

import re

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def seconds(text: str) -> int | None:
    """Read a duration; None where it is none, or none in whole seconds."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def written(total: int) -> str:
    """Write a duration: 86400 as P1D, 90 as PT1M30S."""
    days, rest = divmod(total, 86400)
    parts = [(rest // 3600, "H"), (rest % 3600 // 60, "M"), (rest % 60, "S")]
    time = "".join(f"{number}{unit}" for number, unit in parts if number)
    return f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"


def clock(total: int) -> str:
    """Write a duration as Azure Monitor's refusals do: 60 as 00:01:00, a day as 1.00:00:00."""
    days, rest = divmod(total, 86400)
    return f"{f'{days}.' if days else ''}{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
