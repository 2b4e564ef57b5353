"""How a benchmark speaks: one line with the median, the spread and the goal. It never fails for being slow: a goal is a
figure to report, and machines differ; what fails is a benchmark that could not run."""

import statistics
import time
from collections.abc import Callable, Sequence


def seconds(action: Callable[[], object], runs: int) -> list[float]:
    """Wall seconds of each run."""
    figures = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        figures.append(time.perf_counter() - started)
    return figures


def ratios(ours: Callable[[], object], reference: Callable[[], object], runs: int) -> list[float]:
    """Ours over the reference, pair by pair, so that a machine whose speed drifts does not decide."""
    ours(), reference()
    return [seconds(ours, 1)[0] / seconds(reference, 1)[0] for _ in range(runs)]


def show(what: str, figures: Sequence[float], goal: float, unit: str, *, at_least: bool = False) -> None:
    """Print median, minimum and maximum against the goal (at most, unless said otherwise)."""
    median = statistics.median(figures)
    verdict = "met" if (median >= goal if at_least else median <= goal) else "MISSED"
    print(
        f"\n{what}: {median:.2f} {unit} (min {min(figures):.2f}, max {max(figures):.2f}, {len(figures)} runs);"
        f" goal {'≥' if at_least else '≤'} {goal:g} {unit}: {verdict}"
    )
