"""`fermata hub token`: by which tokens programs may read the hub."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions
    from app.hub.tokens import Token, Tokens


@click.group()
def token() -> None:
    """Let programs read the hub by a token, or no more; the hub may run meanwhile.

    \b
    fermata hub token list
    fermata hub token add grafana --for health --days 365
    fermata hub token revoke grafana
    """


@token.command("list")
@click.pass_obj
def list_(options: "HubOptions") -> None:
    """Show every token that was made, what it may read, and whether it still opens."""
    now = int(time.time())
    with the_tokens(options) as tokens:
        known = tokens.all()
    if not known:
        click.echo("No token was made yet: fermata hub token add NAME --for health")
    width = max((len(each.name) for each in known), default=0)
    for each in known:
        click.echo(f"{each.name:{width}}  {each.scope:7}  {standing(each, now)}")


@token.command()
@click.argument("name")
@click.option("--for", "scope", type=click.Choice(["health", "numbers"]), required=True, help="What it may read.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is good.")
@click.pass_obj
def add(options: "HubOptions", name: str, scope: str, days: int) -> None:
    """Make a token by a NAME; prints it, only now."""
    from app.hub.journal import TERMINAL
    from app.hub.tokens import Scope

    with the_tokens(options) as tokens:
        secret = tokens.add(name, Scope(scope), days, int(time.time()), TERMINAL)
    click.echo(f"Give {name} this token; it is shown only now, and good for {days} days:", err=True)
    click.echo(secret)


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(options: "HubOptions", name: str) -> None:
    """End the token of this NAME, at once."""
    from app.hub.journal import TERMINAL

    with the_tokens(options) as tokens:
        tokens.revoke(name, int(time.time()), TERMINAL)
    click.echo(f"The token {name} opens nothing any more.")


@contextmanager
def the_tokens(options: "HubOptions") -> "Iterator[Tokens]":
    """The tokens of the hub."""
    from app.hub.tokens import Tokens

    with closing(Tokens(options.where)) as tokens:
        yield tokens


def standing(token: "Token", now: int) -> str:
    """How a token stands, in a few words."""
    if token.revoked is not None:
        return "revoked"
    day = f"{datetime.fromtimestamp(token.ends, UTC).astimezone():%Y-%m-%d}"
    return f"good until {day}" if token.good(now) else f"ended {day}"
