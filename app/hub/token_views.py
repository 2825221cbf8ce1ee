"""Tokens, and the API's calls, in words and ready to be laid out."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.hub.accounts import Person
from app.hub.callers import Calls
from app.hub.tokens import ROLES, Scope, Token
from app.hub.words import Words


@dataclass(frozen=True, slots=True)
class TokenView:
    """A line of the table of tokens."""

    id: int
    name: str
    scope: str
    made: str
    ends: str
    used: str
    good: bool
    standing: str


@dataclass(frozen=True, slots=True)
class CallView:
    """A call of the API."""

    method: str
    path: str
    about: str
    scopes: str


def token_view(token: Token, now: int, say: Words) -> TokenView:
    """A token in words."""
    standing = "token_revoked" if token.revoked is not None else "token_ended" if now >= token.ends else "token_good"
    return TokenView(
        id=token.id,
        name=token.name,
        scope=say(f"token_{token.scope}"),
        made=say("token_made", time=say.moment(token.made)[0], who=token.made_by or say("audit_terminal_short")),
        ends=say.moment(token.ends)[0],
        used=say.ago(token.used, now) if token.used else say("never"),
        good=token.good(now),
        standing=say(standing),
    )


def calls_view(routers: Sequence[APIRouter], say: Words) -> list[CallView]:
    """The calls of these routers, each with what its token must be for."""
    return [
        CallView(
            "GET", route.path, say.of("call", route.name, route.description.partition("\n")[0]), _scopes(route, say)
        )
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


def _scopes(route: APIRoute, say: Words) -> str:
    (check,) = (each.call for each in route.dependant.dependencies if isinstance(each.call, Calls))
    return ", ".join(say(f"token_{scope}") for scope in Scope if Person("", ROLES[scope]).may(*check.roles))
