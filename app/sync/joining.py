"""Joining and renewing at the hub's door, over TLS: one question, one answer."""

import json
import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from app.sync import identity
from app.sync.trust import distrust, has_ended, trust

PATIENCE_S = 15.0
LARGEST = 16 * 2**10
"""Bytes of an answer."""


class DoorError(Exception):
    """The hub's door cannot be used now; says why, as part of a sentence.

    DoorError
    ├── StrangerError   who answers is not the clinic's hub
    └── ShutError       the hub will not have this unit
    """


class StrangerError(DoorError):
    """Who answers is not the clinic's hub."""


class ShutError(DoorError):
    """The hub will not have this unit."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the hub lets units in. Each method raises DoorError."""

    host: str
    port: int
    known: int | None = None
    """A time that is known to be past, seconds since 1970 UTC."""

    def authority(self, fingerprint: str) -> str:
        """The certificate of the clinic's authority, PEM, known by its fingerprint; nothing is told before."""
        ca = self._ask(distrust(), "GET", "/join/ca", None)
        try:
            found = identity.fingerprint(ca.decode())
        except ValueError:
            found = None
        if found != fingerprint:
            raise StrangerError(f"what answers at {self.host}:{self.port} is not the hub of this fingerprint")
        return ca.decode()

    def join(self, ca: str, device: str, code: str, request: bytes) -> str:
        """This unit's first certificate, PEM."""
        body = {"device": device, "code": code, "request": request.decode()}
        given = self._certificate(ca, None, "/join", body)
        if given is None:
            raise DoorError("the hub's answer has no certificate")
        return given

    def renew(self, ca: str, unit: Path, request: bytes, *, fresh: bool) -> str | None:
        """This unit's next certificate, PEM; None while the hub sees no need. `fresh`: one at once, for another key."""
        return self._certificate(ca, unit, "/renew", {"request": request.decode(), "fresh": fresh})

    def _certificate(self, ca: str, unit: Path | None, path: str, body: dict[str, Any]) -> str | None:
        try:
            context = trust(ca, unit)
        except (OSError, ValueError) as error:
            raise DoorError(f"this unit's certificates cannot be used ({error})") from error
        answer = self._ask(context, "POST", path, json.dumps(body))
        try:
            given = json.loads(answer)["certificate"]
        except (ValueError, KeyError, TypeError):
            raise DoorError("the hub's answer cannot be read") from None
        return given if given is None else str(given)

    def _ask(self, context: ssl.SSLContext, method: str, path: str, body: str | None) -> bytes:
        line = HTTPSConnection(self.host, self.port, timeout=PATIENCE_S, context=context)
        try:
            line.connect()
            if has_ended(line.sock, self.known):
                raise StrangerError(f"the certificate of what answers at {self.host}:{self.port} has ended")
            line.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = line.getresponse()
            content = answer.read(LARGEST)
        except ssl.SSLCertVerificationError as error:
            raise StrangerError(
                f"what answers at {self.host}:{self.port} is not the clinic's hub ({error.verify_message})"
            ) from error
        except (OSError, HTTPException, UnicodeError) as error:
            raise DoorError(f"the hub's door at {self.host}:{self.port} does not answer ({error})") from error
        finally:
            line.close()
        if answer.status == 403:
            raise ShutError("the hub will not have it")
        if answer.status != 200:
            raise DoorError(f"the hub's door at {self.host}:{self.port} is not ready ({answer.status})")
        return content
