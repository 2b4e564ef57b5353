"""Which deployment a request goes to, by share.

Deterministic on purpose: over any 100 requests in a row a deployment gets exactly its percentage, so a test and a
10 % step mean what they say from the first request on. Who a request is from plays no part.
"""

from collections.abc import Mapping


class Split:
    """Smooth weighted round robin (the algorithm nginx made known): exact over a cycle, and evenly spread within it."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}
        self._total = sum(self.weights.values())
        self._current = dict.fromkeys(self.weights, 0)

    def next(self) -> str | None:
        """Choose the deployment for the next request; None where none has a positive weight."""
        if len(self.weights) < 2:
            return next(iter(self.weights), None)
        current = self._current
        for name, weight in self.weights.items():
            current[name] += weight
        chosen = max(current, key=current.__getitem__)
        current[chosen] -= self._total
        return chosen

    def heaviest(self) -> str | None:
        """Name the deployment with the largest share, without using up a turn: for what is not scoring."""
        return max(self.weights, key=self.weights.__getitem__, default=None)


class Mirror:
    """Says which live requests are copied, and where to: every request adds the percentage, each full 100 is a copy."""

    def __init__(self, shares: Mapping[str, int]) -> None:
        self.shares = {name: share for name, share in shares.items() if share > 0}
        self._owed = dict.fromkeys(self.shares, 0)

    def next(self) -> list[str]:
        """Choose the deployments that get a copy of the next live request."""
        chosen = []
        for name, share in self.shares.items():
            self._owed[name] += share
            if self._owed[name] >= 100:
                self._owed[name] -= 100
                chosen.append(name)
        return chosen
