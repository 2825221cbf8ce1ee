"""The hub's pages."""

from dataclasses import dataclass
from fastapi import FastAPI
from app.hub.inbox import Inbox
from app.hub.store import Store


@dataclass(frozen=True, slots=True)
class Settings:
    clinic: str
    therapists: int
    owner_agreed: bool


def make_app(store: Store, inbox: Inbox, settings: Settings) -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    def health():
        return store.counts()

    return app
