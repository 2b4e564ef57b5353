"""How a new release goes live: in which steps, after which gates, and what stays ready behind it.

Owns `rollout` of an online endpoint. Deliberately not who gets which share in the end (`traffic`), and no figure of a
running rollout.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from azml.facts import online_endpoints as facts
from azml.spec.base import Finding, Spec, rule
from azml.spec.json_file import JsonFile
from azml.spec.types import AnyCase, Duration, Flag, fraction, iso, whole

NONE = timedelta(0)


class GoldenSpec(Spec):
    """A request whose answer is known."""

    request: JsonFile
    """File with the request's body, JSON."""
    expected: JsonFile
    """File with the answer, JSON."""
    tolerance: Annotated[float, fraction(0, 1)] = 1e-6
    """How far a number may be from the expected one, as a share of it (near 0: absolute)."""


class MirrorFirstSpec(Spec):
    """A shadow share: the newcomer gets copies, and nobody its answers."""

    percent: Annotated[int, whole(1, facts.MAX_MIRROR_PERCENT)]
    """Percent of the live requests that are copied."""
    bake_time: Duration
    """How long."""

    @rule
    def _lasts(self) -> Iterator[Finding]:
        if self.bake_time == NONE:
            yield Finding("copies nothing", ("bake_time",), iso(self.bake_time), fix="write how long: PT10M")


class MetricsSpec(Spec):
    """How Azure Monitor is read."""

    grain: Duration = facts.METRIC_GRAIN
    """Length of time that one figure sums up."""
    lag: Duration = facts.METRIC_LAG
    """How late a figure is there."""

    @rule
    def _is_one_that_there_is(self) -> Iterator[Finding]:
        finer = [timedelta(seconds=each) for each in facts.FINER_METRIC_GRAINS_S]
        if self.grain in finer or (self.grain and not self.grain % facts.METRIC_GRAIN):
            return
        yield Finding(
            "Azure Monitor sums up no such time",
            ("grain",),
            iso(self.grain),
            allowed=f"whole minutes: PT1M, PT5M; on the local Azure also {', '.join(map(iso, finer))}",
        )


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # `schema` hides a deprecated method of pydantic's

    class OwnRequestGatesSpec(Spec):
        """What a release has to show to requests that azml sends itself."""

        elsewhere: ClassVar = dict.fromkeys(
            ("max_p95_ratio", "max_error_rate", "min_requests", "mirror_first", "metrics"),
            "it judges live requests in steps, which only an online endpoint has",
        )

        smoke: list[JsonFile] = []
        """Files with requests that are to be answered with 200."""
        golden: list[GoldenSpec] = []
        """Requests with their answers."""
        schema: Flag = False  # type: ignore[assignment]
        """Whether answers have to conform to the OpenAPI document that the release gives of itself."""
        latency_p95_ms: Annotated[int, whole(1)] | None = None
        """Most milliseconds that 95 % of the requests take."""

        @rule
        def _figures_need_requests(self) -> Iterator[Finding]:
            asked = [name for name in ("latency_p95_ms", "max_p95_ratio") if getattr(self, name, None) is not None]
            asked += ["schema"] if self.schema else []
            if asked and not (self.smoke or self.golden):
                for name in asked:
                    yield Finding(
                        "nothing is there to send",
                        (name,),
                        fix="add smoke: [request.json], or golden: [{request: request.json, expected: answer.json}]",
                    )

    class GatesSpec(OwnRequestGatesSpec):
        """What a release has to show.

        Requests are sent before it has a live share, and at each step; figures of live requests are Azure Monitor's.
        """

        elsewhere: ClassVar = {}

        max_p95_ratio: Annotated[float, fraction(0.1, 100)] | None = None
        """Most that the 95th percentile may be of the live release's, measured in the same minutes."""
        max_error_rate: Annotated[float, fraction(0, 1)] | None = None
        """Largest share of live requests that may fail."""
        min_requests: Annotated[int, whole(1)] = 20
        """Live requests that a judgement needs; with fewer a step holds."""
        mirror_first: MirrorFirstSpec | None = None
        """Copies of live requests before any live request."""
        metrics: MetricsSpec = MetricsSpec()
        """How Azure Monitor is read."""

        @rule
        def _can_fail(self) -> Iterator[Finding]:
            if self.max_error_rate == 1:
                yield Finding(
                    "is a gate that nothing fails: 1 is every request",
                    ("max_error_rate",),
                    self.max_error_rate,
                    allowed="a share below 1",
                    fix="write 0.01 for one request in a hundred",
                )


class RolloutSpec(Spec):
    """The way of a new release to its traffic."""

    steps: list[Annotated[int, whole(1, 100)]] = [100]
    """Percent of its final share that a new release gets, step by step; the last is 100."""
    bake_time: Duration = NONE
    """How long a step is watched before the next one."""
    keep_previous: Duration = NONE
    """How long the release of before stays ready, without traffic, so that the way back is one `up` without steps. It
    costs what its instances cost."""
    on_failure: Annotated[Literal["keep", "delete"], AnyCase()] = "keep"
    """What becomes of a release that failed: it stays, with its logs, or it is deleted."""
    max_up_time: Duration = timedelta(hours=1)
    """A rollout that takes longer stops after a step, and the next `pulumi up` goes on."""
    gates: GatesSpec = GatesSpec()
    """What a release has to show."""

    @rule
    def _steps_lead_to_all(self) -> Iterator[Finding]:
        if self.steps != sorted(set(self.steps)) or self.steps[-1:] != [100]:
            yield Finding(
                "do not lead up to 100",
                ("steps",),
                self.steps,
                allowed="rising percentages, the last of them 100",
                fix=f"write steps: {sorted({*self.steps, 100})}",
            )

    @rule
    def _something_is_watched(self) -> Iterator[Finding]:
        if "steps" in self.model_fields_set:
            return
        copied = self.gates.mirror_first is not None
        watching = {
            "bake_time": self.bake_time > NONE,
            "gates.max_error_rate": self._judges_errors() and not copied,
        }
        for name in (name for name, given in watching.items() if given):
            yield Finding(
                "is never looked at: without steps a release gets everything at once",
                tuple(name.split(".")),
                fix="add steps: [10, 50, 100] to the rollout, or steps: [100] if that is meant",
            )

    @rule
    def _figures_need_time(self) -> Iterator[Finding]:
        grain = self.gates.metrics.grain
        if self._judges_errors() and len(self.steps) > 1 and self.bake_time < grain:
            yield Finding(
                "is too short: Azure Monitor has no figure of it, and max_error_rate needs one",
                ("bake_time",),
                iso(self.bake_time),
                allowed=f"{iso(grain)} or more, which is gates.metrics.grain",
            )

    def _judges_errors(self) -> bool:
        return self.gates.max_error_rate is not None
