"""The door: where a room unit joins with its code, and renews with its certificate; over TLS, from any machine.

    GET  /join/ca    the authority's certificate, PEM; a unit compares its fingerprint before it says anything
    POST /join       {device, code, request} -> {certificate, hub_time}
    POST /renew      {request, fresh}        -> {certificate or null, hub_time}; the unit shows its certificate in TLS

A refusal is 403 with the same words whatever the reason; the reason is for the hub's log.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.hub.authority import LARGEST_REQUEST, Authority, shown_by
from app.hub.errors import RefusedError, StoreError
from app.hub.patience import PatientProtocol
from app.hub.registry import Registry
from app.hub.throttle import Throttle

NO_DATES = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module does not name."""
LARGEST_BODY = 16 * 2**10
WAIT_S = 10.0
"""Seconds that a body may take to come."""
SHOWN = "fermata.certificate"
"""Where in a request's scope the certificate lies that its sender has shown, DER."""
MOST_SAID = 1000
"""Refusals remembered, so as to say each once."""

Text = Annotated[str, Field(max_length=LARGEST_REQUEST)]


class Joining(BaseModel):
    """What a unit with a code asks."""

    model_config = ConfigDict(strict=True)

    device: Annotated[str, Field(max_length=48)]
    code: Annotated[str, Field(max_length=64)]
    request: Text


class Renewal(BaseModel):
    """What a unit with a certificate asks."""

    model_config = ConfigDict(strict=True)

    request: Text
    fresh: bool = False
    """It wants to change its key, however good its certificate still is."""


class Door:
    """The door over a registry.

    `notify` gets each refusal once; `clock` is the hub's, seconds since 1970 UTC.
    """

    def __init__(
        self,
        registry: Registry,
        authority: Authority,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        throttle: Throttle | None = None,
    ) -> None:
        self._registry, self._authority, self._notify, self._clock = registry, authority, notify, clock
        self._throttle = throttle or Throttle()
        self._said = set[str]()

    def app(self) -> FastAPI:
        """The door as an application."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.add_api_route("/join/ca", lambda: PlainTextResponse(self._authority.pem), response_model=None)

        @app.post("/join")
        async def join(request: Request) -> Response:
            return await self._answer(request, self._join)

        @app.post("/renew")
        async def renew(request: Request) -> Response:
            return await self._answer(request, self._renew)

        return app

    async def _answer(self, request: Request, ask: Callable[[bytes, bytes | None], str | None]) -> Response:
        if not self._throttle.takes(_sender(request)):
            return self._refuse(request, "it asks too often", 429)
        try:
            body = await asyncio.wait_for(_body(request), WAIT_S)
            certificate = await run_in_threadpool(ask, body, request.scope.get(SHOWN))
        except (ValidationError, TimeoutError, ClientDisconnect):
            return self._refuse(request, "it asks for nothing that we know")
        except RefusedError as error:
            return self._refuse(request, str(error))
        except StoreError as error:
            return self._refuse(request, str(error), 503)
        return JSONResponse({"certificate": certificate, "hub_time": int(self._clock())})

    def _join(self, body: bytes, _shown: bytes | None) -> str:
        asked = Joining.model_validate_json(body)
        now = int(self._clock())
        given = self._registry.admit(self._authority, asked.device, asked.code, asked.request.encode(), now)
        self._notify(f"{asked.device} has joined")
        return given.pem

    def _renew(self, body: bytes, shown: bytes | None) -> str | None:
        asked = Renewal.model_validate_json(body)
        if not shown:
            raise RefusedError("it shows no certificate")
        request, now = asked.request.encode(), int(self._clock())
        given = self._registry.renew(self._authority, shown_by(shown), request, now, fresh=asked.fresh)
        return given.pem if given else None

    def _refuse(self, request: Request, reason: str, status: int = 403) -> JSONResponse:
        sentence = f"a unit at {_sender(request)} was refused: {reason}"
        if sentence not in self._said:
            if len(self._said) >= MOST_SAID:
                self._said.clear()
            self._said.add(sentence)
            self._notify(sentence)
        told = {"detail": "refused" if status == 403 else "later"}
        return JSONResponse(told, status, {"Connection": "close"})  # what more it says is not listened to


def _sender(request: Request) -> str:
    return request.client.host if request.client else "nowhere"


async def _body(request: Request) -> bytes:
    """The body, if it is no longer than any of ours. Raises RefusedError."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise RefusedError("it asks too much at once")
    return body


def door_context(ca: Path, certificate: Path) -> ssl.SSLContext:
    """TLS for the door: a certificate of the clinic's may be shown, ended ones too, which only the registry judges."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_DATES)
    return context


class DoorProtocol(PatientProtocol):
    """HTTP that tells the application which certificate its sender has shown."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Take a connection whose handshake is done."""
        super().connection_made(transport)
        line = transport.get_extra_info("ssl_object")
        shown = line.getpeercert(binary_form=True) if line is not None else None
        inner = self.app

        async def telling(scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            await inner({**scope, SHOWN: shown}, receive, send)

        self.app = telling
