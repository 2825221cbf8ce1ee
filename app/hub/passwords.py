"""Passwords: which are good enough, and their argon2 hashes, made off the event loop and few at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.concurrency import run_in_threadpool

from app.hub.errors import AccountError

T = TypeVar("T")
SHORTEST = 12
LONGEST = 256
AT_ONCE = 2
"""Hashes made at once: each takes some tenths of a second and 64 MiB."""
MOST_WAITING = 20


class BusyError(Exception):
    """Too many wait for a hash already."""


class Passwords:
    """Makes and compares hashes; `hasher` says how dear each is."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash("nobody has this password")
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The hash of a password. Raises BusyError."""
        return await self._work(self._hasher.hash, password)

    async def is_right(self, held: str | None, password: str) -> bool:
        """Whether a password is the one of a hash; for nobody's it takes as long to say no. Raises BusyError."""
        right = await self._work(self._compare, held or self._nobodys, password)
        return right and held is not None

    async def _work(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                return await run_in_threadpool(work, *args)
        finally:
            self._waiting -= 1

    def _compare(self, held: str, password: str) -> bool:
        try:
            return self._hasher.verify(held, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False


def check_password(name: str, password: str) -> None:
    """Refuse a password that is easily guessed. Raises AccountError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters: choose another", "password_short")
    if len(set(password)) < 6 or (name and name in password.casefold()):
        raise AccountError("this password is easily guessed: choose another", "password_weak")
