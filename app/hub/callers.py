"""Programs that read the hub: known by the token that they show, slowed down, and told apart from people."""

import time
from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.hub.accounts import Needs, Person, Role, SignInNeededError
from app.hub.frame import language
from app.hub.throttle import Throttle
from app.hub.tokens import ROLES, Token, Tokens

WRONG_WINDOW_S = 900.0
WRONG_EACH, WRONG_TOGETHER = 20, 400
"""Tokens that never were one, from one address and from all, within the window; after that nothing is heard."""
EACH, TOGETHER = 120, 1200
"""Requests a minute, of one token and of all."""


class TooOftenError(Exception):
    """Somebody asks too often."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = int(wait_s)


class Callers:
    """Knows programs by their tokens; `clock` is the hub's, seconds since 1970 UTC."""

    def __init__(
        self, tokens: Tokens, clock: Callable[[], float], elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens, self._clock = tokens, clock
        self._wrong = Throttle(WRONG_EACH, WRONG_TOGETHER, elapsed, WRONG_WINDOW_S)
        self._calls = Throttle(EACH, TOGETHER, elapsed)

    async def who(self, request: Request, header: str) -> Token | None:
        """The good token in an Authorization header; None for any other. Raises TooOftenError and StoreError.

        One that was good once is no guess, so that a program that was forgotten keeps no other from being heard.
        """
        address = request.client.host if request.client else "nowhere"
        if not self._wrong.hears(address):
            raise TooOftenError(WRONG_WINDOW_S)
        scheme, _, secret = header.partition(" ")
        now = int(self._clock())
        known = await run_in_threadpool(self._tokens.shown, secret, now) if scheme.lower() == "bearer" else None
        if known is None:
            self._wrong.takes(address)
        elif not self._calls.takes(str(known.id)):
            raise TooOftenError(60.0)
        return known if known and known.good(now) else None


def admit(app: FastAPI, callers: Callers) -> None:
    """Let an application know programs, and tell them when they ask too often."""
    app.state.callers = callers

    @app.exception_handler(TooOftenError)
    def slower(request: Request, error: TooOftenError) -> Response:
        sentence = language(request)("token_later")
        return JSONResponse({"detail": sentence}, 429, {"Retry-After": str(error.wait_s)})


class Calls(Needs):
    """The check of a route for programs: by token, or by the visit of somebody who has signed in."""

    async def __call__(self, request: Request) -> Person:
        """Who asks, if they may. Raises SignInNeededError, NotAllowedError and TooOftenError."""
        request.state.token = None
        header = request.headers.get("authorization")
        if header is None:
            return await super().__call__(request)
        token: Token | None = await request.app.state.callers.who(request, header)
        if token is None:
            raise SignInNeededError
        request.state.token = token
        return self.check(Person(f"token {token.name}", ROLES[token.scope]))


def calls(role: Role, *others: Role) -> Any:  # noqa: ANN401  as FastAPI's own Depends
    """Declare that a route is for these roles and those above them, by token too; gives the Person."""
    return Depends(Calls(role, *others))
