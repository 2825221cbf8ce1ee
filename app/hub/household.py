"""The pages beside the clinic's own, put together: rooms, devices, glossary, settings, trust, export."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI

from app.hub.about import Base
from app.hub.alert_pages import alert_pages
from app.hub.alerts import Alerts
from app.hub.api import api
from app.hub.archive import Archive
from app.hub.authority import Authority
from app.hub.board import board
from app.hub.callers import Callers, admit
from app.hub.declarations import Declarations
from app.hub.declaring import declaring
from app.hub.desk import Desk
from app.hub.devices import devices
from app.hub.drawer import Drawer
from app.hub.export import export
from app.hub.exposition import Health, exposition
from app.hub.fleet import Fleet
from app.hub.frame import Frame
from app.hub.glossary import glossary
from app.hub.options import HubOptions
from app.hub.orders import Orders
from app.hub.padlock import Padlock
from app.hub.post import Post
from app.hub.registry import Registry
from app.hub.room_reading import RoomReading
from app.hub.rounds import Rounds
from app.hub.running import running
from app.hub.settings_page import SettingsPage, settings
from app.hub.store import Store
from app.hub.token_pages import token_pages
from app.hub.tokens import Tokens
from app.hub.trust import trust


@dataclass(frozen=True, slots=True)
class Household:
    """What these pages read and change."""

    options: HubOptions
    store: Store
    rounds: Rounds
    registry: Registry
    orders: Orders
    authority: Authority
    declarations: Declarations
    base: Base
    alerts: Alerts
    post: Post
    tokens: Tokens
    trouble: Callable[[], str | None]
    """What keeps messages from being stored now, in a sentence."""
    padlock: Padlock | None = None
    """None: the page is not encrypted."""


def furnish(app: FastAPI, household: Household, desk: Desk) -> FastAPI:
    """Add the pages to an application of the same clinic."""
    options = household.options
    frame = Frame(options.clinic, lambda: desk.now)
    fleet = Fleet(options, household.registry, household.orders)
    reading = RoomReading(Archive(household.store), household.declarations.read, desk)
    app.include_router(board(household.rounds, household.alerts, reading, frame, lambda: desk.now))
    app.include_router(alert_pages(household.alerts, household.post, options.clinic, options.mail, desk, frame))
    admit(app, Callers(household.tokens, lambda: desk.now))
    for_programs = api(
        options.clinic,
        household.declarations.read,
        household.store,
        household.rounds,
        household.alerts,
        household.tokens,
        desk,
    )
    health = Health(household.rounds, household.alerts, options.state, household.trouble, lambda: desk.now)
    metrics = exposition(health)
    app.include_router(for_programs)
    app.include_router(metrics)
    app.include_router(token_pages(household.tokens, (for_programs, metrics), desk, frame))
    app.include_router(devices(fleet, Drawer(lambda: desk.now), desk, frame))
    app.include_router(glossary(frame))
    page = SettingsPage(frame)
    app.include_router(settings(page))
    app.include_router(declaring(page, household.declarations, household.rounds, desk))
    running(page, options, household.base, household.padlock)
    app.include_router(trust(household.authority, household.padlock, options.clinic, frame))
    app.include_router(export(household.store, options.clinic, household.declarations.read, reading, desk))
    return app
