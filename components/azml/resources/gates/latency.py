"""The time that azml's own requests take, for `latency_p95_ms` and `max_p95_ratio`.

Owns the measurement. Requests go one after the other over one open connection, to newcomer and live release in turns,
so that both meet the same minutes and the same network; the first few of each are not counted. Deliberately puts no
load on a release: what concurrent requests do to it is seen in live figures.
"""

from __future__ import annotations

import time
from itertools import cycle, islice
from typing import TYPE_CHECKING

from azml.resources.gates import slowness
from azml.resources.gates.answers import OK, said
from azml.resources.gates.own_requests import OwnRequests
from azml.resources.gates.percentile import nearest_rank
from azml.resources.gates.slowness import Slowness
from azml.resources.gates.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from azml.spec.rollout import GatesSpec

WARM_UP = 3
"""Requests to each deployment that are not counted: the first ones load what a model loads late."""
COUNT = 40
"""Requests to each deployment that are counted. The nearest rank of 95 % is then the 38th: two may be slow by chance,
where with 20 it would be one. A model that takes 50 ms is measured in 2 s."""
MEASUREMENTS = 2
"""A limit that is exceeded counts once a second measurement exceeds it too: 40 requests may meet a busy moment."""
OVER = f"{COUNT} requests from here"
LEAST_SECONDS = 60.0
"""A measurement may take that long, however short `max_up_time` is: else no run would ever know."""


def latency(asking: OwnRequests, gates: GatesSpec, newcomer: str, live: str | None) -> list[Verdict]:
    """The verdicts that the gates ask for. A ratio needs a live release: the very first one has nothing to match."""
    compared = live if gates.max_p95_ratio is not None else None
    if gates.latency_p95_ms is None and compared is None:
        return []
    verdicts: list[Verdict] = []
    until = max(asking.until, time.monotonic() + LEAST_SECONDS)
    for _ in range(MEASUREMENTS):
        newcomers, lives = _measured(asking, gates, newcomer, compared, until)
        verdicts = slowness.judged(gates, newcomer, newcomers, lives, OVER)
        if newcomers.p95_ms is None or all(verdict.outcome is Outcome.PASS for verdict in verdicts):
            break
    return verdicts


def _measured(
    asking: OwnRequests, gates: GatesSpec, newcomer: str, live: str | None, until: float
) -> tuple[Slowness, Slowness | None]:
    """Ask in turns. A deployment that answers anything but 200 is asked no more: it has no time to speak of."""
    files = dict.fromkeys([*gates.smoke, *(one.request for one in gates.golden)])
    bodies = [file.read_bytes() for file in files]
    times: dict[str, list[float]] = {deployment: [] for deployment in (newcomer, live) if deployment is not None}
    wrong: dict[str, str] = {}
    for number, body in enumerate(islice(cycle(bodies), WARM_UP + COUNT), 1 - WARM_UP):
        if time.monotonic() >= until:
            late = Slowness(None, f"{max(0, number - 1)} of {COUNT} requests when max_up_time was over")
            return late, None if live is None else late
        if number % 10 == 0:
            asking.work.doing(f"measuring {' and '.join(times)}: {number} of {COUNT} requests")
        for deployment in [name for name in times if name not in wrong]:
            answer, took = asking.score(deployment, body)
            if answer.status != OK:
                wrong[deployment] = said(answer)
            elif number > 0:
                times[deployment].append(took)
        if newcomer in wrong:
            break
    found = {name: _slowness(took, wrong.get(name)) for name, took in times.items()}
    return found[newcomer], None if live is None else found[live]


def _slowness(times: list[float], wrong: str | None) -> Slowness:
    if wrong is not None:
        return Slowness(None, wrong, Outcome.FAIL)
    return Slowness(nearest_rank(times, 95)) if times else Slowness(None, "it was not asked")
