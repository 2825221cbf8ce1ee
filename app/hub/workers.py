"""A thread that works beside the pages until it is stopped; what ends it before that is kept for the main thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


class Worker:
    """Work that goes on until its event is set."""

    def __init__(self, name: str, work: Callable[[Event], None], patience_s: float | None = None) -> None:
        """`patience_s`: how long its end is waited for; without one, as long as it takes."""
        self.failure: BaseException | None = None
        self._work, self._patience_s = work, patience_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name=name, daemon=patience_s is not None)

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except BaseException as error:  # noqa: BLE001  carried to the main thread, which raises it
            self.failure = error

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end, and wait for that."""
        self._stop.set()
        self._thread.join(self._patience_s)


@contextmanager
def working(worker: Worker) -> Iterator[Worker]:
    """The worker at work."""
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
