"""Settings files of rooms just added: each lies here a quarter of an hour, for whoever made it to take once."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

KEPT_S = 900.0
MOST = 200


class Drawer:
    """Texts by a random key, in memory only: they hold a code that lets a unit in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._texts: OrderedDict[str, tuple[float, str, str]] = OrderedDict()
        self._lock = Lock()

    def put(self, text: str, who: str) -> str:
        """Lay a text down for somebody; the key to it."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._texts[key] = (self._clock() + KEPT_S, who, text)
            while len(self._texts) > MOST:
                self._texts.popitem(last=False)
        return key

    def take(self, key: str, who: str) -> str | None:
        """Take a text out; None if it was taken, has lain too long, or is another person's."""
        with self._lock:
            ends, whose, text = self._texts.get(key, (0.0, "", ""))
            if not text or whose != who:
                return None
            del self._texts[key]
        return text if self._clock() <= ends else None
