"""The guard: lookout and postman of one hub, each in a thread of its own, and what the pages read of them."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

from app.hub.alerts import Alerts
from app.hub.inbox import Inbox
from app.hub.lookout import Lookout
from app.hub.options import HubOptions
from app.hub.post import Post
from app.hub.postman import Postman
from app.hub.rounds import Rounds
from app.hub.sightings import Sightings
from app.hub.store import Store
from app.hub.workers import Worker, working

PATIENCE_S = 5.0
"""A mail server that does not answer keeps no hub from ending."""
GENERATION = 8
"""Letters of the database's own name that a mail's number begins with."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What there is of alerts and mails, and who works at it."""

    alerts: Alerts
    post: Post
    workers: tuple[Worker, ...]


def guarding(
    options: HubOptions, store: Store, rounds: Rounds, inbox: Inbox, notice: Callable[[str], None], stack: ExitStack
) -> Guard:
    """Begin to look, and to send where mail is set up; `stack` ends it. Raises StoreError."""
    alerts = stack.enter_context(closing(Alerts(options.where)))
    post = stack.enter_context(closing(Post(options.where)))
    sightings = stack.enter_context(closing(Sightings(options.where)))
    now = int(time.time())
    alerts.forget(now)
    post.forget(now)

    def hears() -> bool:
        return inbox.subscribed.is_set() and inbox.trouble is None

    def trouble() -> str | None:
        return inbox.trouble

    name = socket.gethostname().partition(".")[0] or options.clinic
    lookout = Lookout(name, options.state, store, rounds, sightings, alerts, hears, trouble, time.time, notice)
    workers = [Worker("lookout", lookout.run, PATIENCE_S)]
    if options.mail:
        number = store.generation()[:GENERATION]
        postman = Postman(options.mail, options.clinic, number, post, time.time, notice)
        workers.append(Worker("postman", postman.run, PATIENCE_S))
    return Guard(alerts, post, tuple(stack.enter_context(working(worker)) for worker in workers))
