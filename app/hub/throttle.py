"""How often strangers may knock."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0


class Throttle:
    """So many knocks in a window, a minute if not told, from one address, and so many from all together."""

    def __init__(
        self,
        each: int = 12,
        together: int = 120,
        elapsed: Callable[[], float] = time.monotonic,
        window_s: float = WINDOW_S,
    ) -> None:
        self._each, self._together, self._elapsed, self._window_s = each, together, elapsed, window_s
        self._knocks: deque[tuple[float, str]] = deque()

    def takes(self, sender: str) -> bool:
        """Whether to hear this knock; one that is not heard does not count."""
        if not self.hears(sender):
            return False
        self._knocks.append((self._elapsed(), sender))
        return True

    def hears(self, sender: str) -> bool:
        """Whether a knock would be heard now; asking does not count."""
        now = self._elapsed()
        while self._knocks and now - self._knocks[0][0] >= self._window_s:
            self._knocks.popleft()
        return len(self._knocks) < self._together and sum(who == sender for _, who in self._knocks) < self._each
