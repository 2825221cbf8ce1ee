"""The page that offers the clinic's authority to browsers: its file, its fingerprint, and how each system takes it."""

import tomllib
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response

from app.hub.accounts import OPEN
from app.hub.authority import Authority, in_pairs
from app.hub.frame import Frame, language
from app.hub.padlock import Padlock
from app.hub.words import FOLDER

MEDIA_TYPE = "application/x-x509-ca-cert"
"""By which browsers and phones know what the file is for."""


def trust(authority: Authority, padlock: Padlock | None, clinic: str, frame: Frame) -> APIRouter:
    """The routes, for everybody: whoever cannot trust the page yet cannot sign in yet."""
    router = APIRouter()
    file = f"fermata-{clinic}.crt"

    @router.get("/trust", dependencies=[OPEN])
    def page(request: Request) -> Response:
        content = {
            "book": texts(language(request).code),
            "file": file,
            "fingerprint": in_pairs(authority.fingerprint),
            "authority": authority.name,
            "kind": "plain" if padlock is None else "own" if padlock.own else "given",
            "issuer": padlock.badge.issuer if padlock else "",
        }
        return frame.show(request, "trust.html", content)

    @router.get(f"/trust/{file}", dependencies=[OPEN])
    def take() -> Response:
        return Response(authority.der, media_type=MEDIA_TYPE)

    return router


@cache
def texts(code: str) -> dict[str, Any]:
    """The page's texts in a language."""
    return tomllib.loads((FOLDER / "trust" / f"{code}.toml").read_text(encoding="utf-8"))
