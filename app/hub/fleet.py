"""The fleet: what can be done about room units, and why something was not done."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from app.hub.errors import OrderError, RegistryError
from app.hub.invitation import invite
from app.hub.members import Member, as_id
from app.hub.options import HubOptions
from app.hub.orders import Orders, Signer
from app.hub.registry import MOST_DAYS, Registry
from app.sync.command import Rename, RotateCertificate

LONGEST_NAME = 40
"""As long as a unit takes it."""
T = TypeVar("T")


class Refusal(Exception):  # noqa: N818  it is what the page answers
    """Why something was not done: the key of its words."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(key)
        self.key, self.detail = key, detail


class Fleet:
    """The rooms of a registry and what is asked of their units; StoreError passes through."""

    def __init__(self, options: HubOptions, registry: Registry, orders: Orders) -> None:
        self._options, self._registry, self._orders = options, registry, orders

    @property
    def reachable(self) -> bool:
        """Whether rooms on other machines can reach this hub, so that one can be added."""
        return self._options.address is not None

    def count(self) -> int:
        """How many rooms there are, those shut out included."""
        return self._registry.count()

    def page(self, now: int, start: int, length: int) -> list[Member]:
        """Some of the rooms by name; those shut out last."""
        return self._registry.page(now, start, length)

    def named(self, device: str, now: int) -> str:
        """A room's name; empty if there is no such room."""
        known = self._registry.member(device, now)
        return known.name if known else ""

    def asked(self, devices: Iterable[str], now: int) -> Counter[str]:
        """Per unit, how many things it was asked to do and has not answered."""
        return Counter(each.device for each in self._orders.open(now, devices))

    def add(self, name: str, days: str, now: int) -> tuple[str, str, str]:
        """Invite a unit; its settings file, the room's name and its id. Raises Refusal."""
        wanted = self._name(name)
        device = as_id(wanted)
        if not (days.isascii() and days.isdigit() and 1 <= int(days[:3]) <= MOST_DAYS):
            raise Refusal("days_wrong")
        known = self._registry.member(device, now)
        if known is not None and known.revoked is None and known.certificate_ends is not None:
            raise Refusal("room_in_use", known.name)
        text, invited = _or_refuse(lambda: invite(self._options, wanted, int(days), now))
        return text, invited.name, invited.device

    def rename(self, device: str, name: str, now: int) -> None:
        """Give a room another name; its unit is told where there is one. Raises Refusal."""
        wanted = self._name(name)
        _or_refuse(lambda: self._registry.rename(device, wanted))
        try:
            self._orders.ask(Signer(self._options.state), device, Rename(name=wanted), now)
        except OrderError:
            return  # a unit that was never there has nothing to be told

    def rotate(self, device: str, now: int) -> None:
        """Have a unit make a new key and ask for a new certificate. Raises Refusal."""
        _or_refuse(lambda: self._orders.ask(Signer(self._options.state), device, RotateCertificate(), now))

    def revoke(self, device: str, now: int) -> None:
        """Shut a room's unit out. Raises Refusal."""
        if self._registry.member(device, now) is None:
            raise Refusal("room_unknown")
        _or_refuse(lambda: self._registry.revoke(device, now))

    @staticmethod
    def _name(name: str) -> str:
        wanted = " ".join(name.split())
        if not wanted or len(wanted) > LONGEST_NAME or not wanted.isprintable():
            raise Refusal("room_name_wrong")
        try:
            as_id(wanted)
        except RegistryError as error:
            raise Refusal("room_name_wrong") from error
        return wanted


def _or_refuse(do: Callable[[], T]) -> T:
    """Do it; what speaks against it becomes a refusal, and trouble with the store stays what it is."""
    try:
        return do()
    except RegistryError as error:
        raise Refusal(error.key, error.about) from error
    except OrderError as error:
        raise Refusal(error.key) from error
