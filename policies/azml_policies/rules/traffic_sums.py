"""Shares of traffic add up, and so does what is mirrored."""

from collections.abc import Iterator, Mapping
from typing import Any

from azml.facts.online_endpoints import MAX_MIRROR_PERCENT
from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail, unknown
from azml_policies.serving import on_kubernetes, setting
from azml_policies.tokens import ENDPOINT, ROLLOUT
from azml_policies.values import UNKNOWN, Unknown, table, whole

Shares = Mapping[str, int]


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge both maps of an endpoint or a rollout."""
    live, mirror = _shares(setting(resource, "traffic")), _shares(setting(resource, "mirrorTraffic"))
    wrong: list[str] = []
    if not isinstance(live, Unknown):
        wrong += _live(live)
    if not isinstance(mirror, Unknown):
        wrong += _mirrored(mirror, live, on_kubernetes(resource))
    if wrong:
        return fail(" ".join(wrong))
    if isinstance(live, Unknown) or isinstance(mirror, Unknown):
        return unknown("not all shares are known, or they are no whole percentages.")
    return PASS


def _live(shares: Shares) -> Iterator[str]:
    if (total := sum(shares.values())) not in {0, 100}:
        yield f"traffic adds up to {total}, not to 100 or 0: {_words(shares)}."


def _mirrored(mirror: Shares, live: Shares | Unknown, kubernetes: Any) -> Iterator[str]:
    copied = {name: share for name, share in mirror.items() if share}
    if len(copied) > 1:
        yield f"mirrored traffic goes to {len(copied)} deployments, and Azure takes one: {_words(copied)}."
    if (total := sum(copied.values())) > MAX_MIRROR_PERCENT:
        yield f"mirrored traffic is {total} %, and at most {MAX_MIRROR_PERCENT} % can be mirrored."
    both = [name for name in copied if not isinstance(live, Unknown) and live.get(name)]
    if both:
        yield f"{', '.join(both)} gets live and mirrored traffic, and a deployment has one or the other."
    if copied and kubernetes is True:
        yield "traffic is mirrored on Kubernetes, which only managed endpoints can."


def _shares(value: Any) -> Shares | Unknown:
    found = table(value)
    if isinstance(found, Unknown):
        return found
    shares = {name: 0 if share is None else whole(share) for name, share in found.items()}
    known = {name: share for name, share in shares.items() if isinstance(share, int)}
    return known if len(known) == len(shares) else UNKNOWN


def _words(shares: Shares) -> str:
    return ", ".join(f"{name} {share}" for name, share in shares.items())


RULE = Rule(
    id="traffic-sums",
    title="Traffic adds up to 100 or 0, and mirrored traffic goes to one deployment",
    severity=Severity.HIGH,
    cause=(
        "The shares in traffic add up to anything but 100 or 0; more than one deployment in mirrorTraffic, more than"
        f" {MAX_MIRROR_PERCENT} %, one that has live traffic too, or mirroring on Kubernetes."
    ),
    explanation=(
        "Azure refuses such maps, minutes into an update (how-to-safely-rollout-online-endpoints.md, 2023-10-24; ARM:"
        ' "need to sum to 100", "need to sum to utmost 50").'
    ),
    remedy="shares that add up to 100, and mirrorTraffic for one deployment without live traffic",
    types=frozenset({ENDPOINT, ROLLOUT}),
    judge=judge,
)
