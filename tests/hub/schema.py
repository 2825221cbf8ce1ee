"""Every call of the API asked as its schema allows, and as it does not: `python -m tests.hub.schema --examples 2000`.

Schemathesis makes the requests, over a real port, and judges the answers: no trouble of the server's, no status, kind
or shape that the schema does not name, and nothing for whoever has no token.
"""

import argparse
import asyncio
import itertools
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from app.hub.callers import Callers, admit
from app.hub.conditions import Findings, Kind, Trouble
from app.hub.journal import TERMINAL
from app.hub.listening import page_server
from app.hub.tokens import Scope
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.hubs import wait_until


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, dict[Scope, str]]]:
    """A clinic with something of everything; where it answers, and a token of each kind."""
    with a_clinic(folder) as clinic, socket.create_server(("127.0.0.1", 0)) as listener:
        fill(clinic)
        tokens = {scope: clinic.tokens.add(scope, scope, 90, clinic.now, TERMINAL) for scope in Scope}
        pages, ticks = clinic.pages(), itertools.count()
        admit(pages, Callers(clinic.tokens, lambda: float(clinic.now), lambda: float(next(ticks) * 1000)))  # no waiting
        server = page_server(pages)
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", tokens
        finally:
            server.should_exit = True
            thread.join()


def fill(clinic: Clinic) -> None:
    """Rooms, months that are shown and withheld, alerts."""
    clinic.registry.add("Blue room", NOW)
    for room in ("room-0", "room-1"):
        clinic.beat(room)
    clinic.release(range(36, 48))
    clinic.release(range(36, 40), simulated=True)
    clinic.alerts.observe("h", Findings([Trouble("room-0", Kind.NEWER, "Blue room")]), NOW)


def ask_all(url: str, tokens: dict[Scope, str], examples: int, number: int) -> dict[str, int]:
    """So many requests of each call, allowed and not, with each token; how many were answered with what."""
    seen: dict[str, int] = {}
    for scope, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}"}
        schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", headers=headers)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for label, status in _answers(schema, mode, headers, examples, number):
                key = f"{scope} {label} {status}"
                seen[key] = seen.get(key, 0) + 1
    return seen


def _answers(
    schema: BaseSchema, mode: GenerationMode, headers: dict[str, str], examples: int, number: int
) -> Iterator[tuple[str, int]]:
    """Ask; raises an AssertionError group for an answer that the schema does not allow."""
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        statuses = _answers_of(found.ok().as_strategy(generation_mode=mode), headers, examples, number)
        yield from ((found.ok().label, status) for status in statuses)


def _answers_of(cases: SearchStrategy[Any], headers: dict[str, str], examples: int, number: int) -> list[int]:
    statuses: list[int] = []

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def one(case: Any) -> None:  # noqa: ANN401  schemathesis' own case
        answer = case.call(headers=headers)
        case.validate_response(answer)
        statuses.append(answer.status_code)

    one()
    return statuses


def main() -> None:
    """Ask and report; an answer that is not allowed ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, tokens):
        seen = ask_all(url, tokens, asked.examples, asked.seed)
    for key, count in sorted(seen.items()):
        print(f"{count:6}  {key}")  # noqa: T201 - a long proof reports what it found
    sys.exit(0 if seen else 1)


if __name__ == "__main__":
    main()
