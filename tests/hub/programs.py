"""Programs that read the hub by a token."""

import httpx

from app.hub.journal import TERMINAL
from app.hub.tokens import Scope
from tests.hub.households import Clinic
from tests.hub.visitors import Browser


class Program:
    """Asks with a token, or with whatever it was given."""

    def __init__(self, clinic: Clinic, token: str, address: str = "127.0.0.1", browser: Browser | None = None) -> None:
        self.token = token
        self.browser = browser or Browser(clinic.pages(), address=address)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.browser.get(path, headers={"Authorization": f"Bearer {self.token}"} | headers)


def a_program(clinic: Clinic, scope: Scope, name: str = "", days: int = 90, address: str = "127.0.0.1") -> Program:
    """A program with a fresh token."""
    return Program(clinic, clinic.tokens.add(name or scope.value, scope, days, clinic.now, TERMINAL), address)
