"""How long to wait before trying again."""

import random


class Backoff:
    """Seconds that double from `first` to `most` and are spread at random, so that many do not come back at once."""

    def __init__(self, first: float = 0.2, most: float = 10.0) -> None:
        self._first = first
        self._most = most
        self.failures = 0

    def failed(self, retry_after: float | None = None) -> float:
        """Count a failure; the seconds to wait, never fewer than the other side asked for."""
        longest = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(random.uniform(longest / 2, longest), retry_after or 0.0)

    def succeeded(self) -> None:
        """Begin again with the shortest wait."""
        self.failures = 0
