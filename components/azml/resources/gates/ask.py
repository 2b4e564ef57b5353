"""What the rollout asks of the gates: three questions and a report.

Owns which gates are asked when. `gates` are the settings as they are on the wire (`GatesArgs` in camelCase: `smoke`,
`golden`, `schema`, `latencyP95Ms`, `maxP95Ratio`, `maxErrorRate`, `minRequests`, `mirrorFirst`, `metrics`; files are
paths, durations ISO 8601); empty gates give no verdict and send nothing. Every gate that is asked gives its verdict:
all problems at once. Deliberately moves no traffic, and never waits for figures: what is not known yet is the verdict
`UNKNOWN`, and the rollout asks again.

Own requests are counted by Azure Monitor like any others. So a step asks `figures` first, and `before_live` once they
are known: what azml sends then is in no figure that it judges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from azml.resources.arm_id import ArmId
from azml.resources.errors import ArmError
from azml.resources.gates import answers, azure_monitor, live_requests, reporting
from azml.resources.gates.azure_monitor import Figures
from azml.resources.gates.latency import latency
from azml.resources.gates.own_requests import OwnRequests, Unreachable
from azml.resources.gates.swagger import schema
from azml.resources.gates.verdict import Outcome, Verdict
from azml.resources.gates.wanted import wanted
from azml.resources.handler import Values
from azml.resources.work import Work

if TYPE_CHECKING:
    from azml.resources.scoring import ScoringClient
    from azml.resources.service_client import ServiceClient
    from azml.spec.rollout import GatesSpec

Asked = tuple[str, Callable[[], list[Verdict]]]
"""Name of a gate, and what gives its verdicts."""


def before_live(
    work: Work, gates: Values, endpoint: ArmId, newcomer: str, live: str | None, until: float = float("inf")
) -> list[Verdict]:
    """Own requests to `newcomer`, past the split; and to `live`, where the two are compared. Judges no figures.

    Asked before any live share, and again at the end of each step. Where the endpoint is not reached from here the
    first gate that needs it says so, and the others are not asked. What is not measured at `until` (monotonic clock) is
    not known. A grain that Azure Monitor does not take is told here: no step would ever have a figure.
    """
    if not gates:
        return []
    from azml.resources.scoring import ScoringClient  # and with it Azure's libraries: not when the provider starts

    if refused := _grain(work, wanted(gates), endpoint, newcomer):
        return refused
    with ScoringClient(work.arm, endpoint) as client:
        return own_requests(work, gates, client, newcomer, live, until)


def own_requests(
    work: Work,
    gates: Values,
    client: ScoringClient | ServiceClient,
    newcomer: str,
    live: str | None = None,
    until: float = math.inf,
) -> list[Verdict]:
    """The same by a client that is open already: of an endpoint, or of the trial of a service."""
    verdicts: list[Verdict] = []
    for gate, ask in _own(OwnRequests(work, client, until), wanted(gates), newcomer, live):
        work.doing(f"gate {gate} of {newcomer}")
        try:
            verdicts += ask()
        except Unreachable as error:
            expected = f"an answer of the {client.what}"
            return [*verdicts, Verdict(gate, newcomer, Outcome.UNREACHABLE, expected, error.seen, "", error.advice)]
    return verdicts


def figures(
    work: Work, gates: Values, endpoint: ArmId, newcomer: str, live: str | None, since: datetime, share: int
) -> list[Verdict]:
    """What Azure Monitor has of the live requests since a time (UTC), while `newcomer` has `share` percent of them.

    Asked every few seconds of a step, so that a bad release is seen as soon as a figure shows it.
    """

    def read(deployment: str, at: tuple[datetime, datetime]) -> Figures:
        return azure_monitor.live(work.arm, endpoint, deployment, at, settings.metrics)

    settings = wanted(gates)
    return _on_figures(work, settings, newcomer, live, since, read, f"live requests at {share} %")


def copies(
    work: Work, gates: Values, endpoint: ArmId, newcomer: str, live: str | None, since: datetime, share: int
) -> list[Verdict]:
    """The same while `newcomer` gets copies of `share` percent (`mirror_first`), and nobody its answers.

    Both releases are then read at the deployment itself: an endpoint's figures need not hold copies.
    """

    def read(deployment: str, at: tuple[datetime, datetime]) -> Figures:
        return azure_monitor.at_deployment(
            work.arm, endpoint, deployment, at, settings.metrics, copies=deployment == newcomer
        )

    settings = wanted(gates)
    return _on_figures(work, settings, newcomer, live, since, read, f"copies of {share} % of the requests")


def report(
    work: Work,
    gates: Values,
    endpoint: ArmId,
    newcomer: str,
    verdicts: Sequence[Verdict],
    since: datetime | None = None,
) -> str:
    """Why a release failed, for people: each gate with what it expected and saw, log lines, likely cause, remedy.

    With `since`, the time of its first live share, also how many live requests it failed.
    """
    settings = wanted(gates)
    return str(reporting.report(work, settings, endpoint, newcomer, verdicts, since))


def _grain(work: Work, gates: GatesSpec, endpoint: ArmId, newcomer: str) -> list[Verdict]:
    """Whether Azure Monitor takes a grain below a minute, where there is one. Any other fault of its may pass."""
    if not live_requests.judges(gates) or gates.metrics.grain >= azure_monitor.MINUTE:
        return []
    now = datetime.fromtimestamp(work.arm.now(), UTC)
    try:
        azure_monitor.live(work.arm, endpoint, newcomer, (now - azure_monitor.MINUTE, now), gates.metrics)
    except ArmError as error:
        if error.status == HTTPStatus.BAD_REQUEST:
            return [live_requests.too_fine(newcomer, azure_monitor.interval(gates.metrics.grain), error)]
    return []


def _own(asking: OwnRequests, gates: GatesSpec, newcomer: str, live: str | None) -> Iterator[Asked]:
    """The gates that own requests answer, cheapest first."""
    for number, request in enumerate(gates.smoke):
        yield f"smoke[{number}]", partial(answers.smoke, asking, newcomer, number, request)
    for number, one in enumerate(gates.golden):
        yield f"golden[{number}]", partial(answers.golden, asking, newcomer, number, one)
    if gates.schema:
        requests = list(dict.fromkeys([*gates.smoke, *(one.request for one in gates.golden)]))
        yield "schema", partial(schema, asking, newcomer, requests)
    if gates.latency_p95_ms is not None or gates.max_p95_ratio is not None:
        name = "latency_p95_ms" if gates.latency_p95_ms is not None else "max_p95_ratio"
        yield name, partial(latency, asking, gates, newcomer, live)


def _on_figures(
    work: Work,
    gates: GatesSpec,
    newcomer: str,
    live: str | None,
    since: datetime,
    read: Callable[[str, tuple[datetime, datetime]], Figures],
    what: str,
) -> list[Verdict]:
    if not live_requests.judges(gates):
        return []
    at = azure_monitor.window(gates.metrics, since, datetime.fromtimestamp(work.arm.now(), UTC))
    if at is None:
        return [live_requests.few(gates, newcomer, f"no figures yet, since {since:%H:%M:%S} UTC", what)]
    compared = live if gates.max_p95_ratio is not None else None
    try:
        new = read(newcomer, at)
        old = None if compared is None else read(compared, at)
    except ArmError as error:
        return [live_requests.unreadable(newcomer, error)]
    return live_requests.judged(gates, newcomer, new, old, what)
