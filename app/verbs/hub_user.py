"""`fermata hub user`: who may sign in to the hub's pages, also when nobody can any more."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions
    from app.hub.people import Account, People


@click.group()
def user() -> None:
    """Let people sign in to the hub's pages, or no more; the hub may run meanwhile.

    Whoever forgot the password, the last owner too, gets a new link here.

    \b
    fermata hub user list
    fermata hub user add ana@clinic.example --role manager
    fermata hub user reset ana@clinic.example
    fermata hub user disable ana@clinic.example
    """


@user.command("list")
@click.pass_obj
def list_(options: "HubOptions") -> None:
    """Show everybody who was added, their role, and whether they can sign in."""
    with the_people(options) as people:
        accounts = people.accounts()
    if not accounts:
        click.echo("Nobody was added yet: `fermata hub` shows a link for the first owner when it starts.")
    width = max((len(account.name) for account in accounts), default=0)
    for account in accounts:
        click.echo(f"{account.name:{width}}  {account.role:7}  {standing(account)}")


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["owner", "manager", "auditor", "tech"]), required=True)
@click.pass_obj
def add(options: "HubOptions", name: str, role: str) -> None:
    """Let somebody in by a NAME; prints the link where they choose their password."""
    from app.hub.accounts import Role
    from app.hub.journal import TERMINAL

    with the_people(options) as people:
        code = people.add(name, Role(role), int(time.time()), TERMINAL)
    tell(options, name, code)


@user.command()
@click.argument("name")
@click.pass_obj
def reset(options: "HubOptions", name: str) -> None:
    """End the password and the visits of NAME; prints a link for a new password."""
    from app.hub.journal import TERMINAL

    with the_people(options) as people:
        code = people.reset(name, int(time.time()), TERMINAL)
    tell(options, name, code)


@user.command()
@click.argument("name")
@click.pass_obj
def disable(options: "HubOptions", name: str) -> None:
    """Let NAME in no more, at once; `reset` lets them in again."""
    from app.hub.journal import TERMINAL

    with the_people(options) as people:
        people.disable(name, int(time.time()), TERMINAL)
    click.echo(f"{name} can sign in no more, and every visit has ended.")


@contextmanager
def the_people(options: "HubOptions") -> "Iterator[People]":
    """The people of the hub."""
    from app.hub.people import People

    with closing(People(options.where)) as people:
        yield people


def tell(options: "HubOptions", name: str, code: str) -> None:
    """Print a one-time link."""
    from app.hub.errors import CertificateError
    from app.hub.padlock import page_url, read_badge

    names: tuple[str, ...] = ()
    if options.certificate:
        try:
            names = read_badge(options.certificate, options.key or options.certificate, time.time()).names
        except CertificateError as error:
            click.echo(f"{error}; the link may name the hub otherwise than its page does.", err=True)
    click.echo(f"Give {name} this link; it works once, for three days, where the hub's page does:", err=True)
    click.echo(f"{page_url(options, options.port, names)}welcome/{code}")


def standing(account: "Account") -> str:
    """How somebody stands, in a few words."""
    if account.disabled:
        return "disabled"
    return "has a link to choose a password" if account.waiting else "can sign in"
