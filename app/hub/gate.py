"""The way in for rooms on other machines: door, certificates and permits as one, following the registry."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from app.hub.authority import Authority
from app.hub.broker import Broker
from app.hub.door import Door, door_context
from app.hub.errors import HubError
from app.hub.listening import door_server, listening
from app.hub.options import HubOptions
from app.hub.registry import Registry
from app.hub.warden import Warden

LOOK_S = 0.5
"""Between two looks for rooms added or revoked."""


class Gate:
    """Door and warden of a hub that has an outward address; `stack` closes what it opens. Raises HubError."""

    def __init__(
        self,
        options: HubOptions,
        registry: Registry,
        authority: Authority,
        notify: Callable[[str], None],
        stack: ExitStack,
    ) -> None:
        self._address = options.address
        self._notify = notify
        self._trouble: str | None = None
        self._warden = Warden(
            options.clinic, options.names, authority, registry, options.authority, options.broker_files
        )
        self.permits = self._warden.look(time.time()) or []
        self._looked = time.monotonic()
        self.shield = self._warden.shield(options.outward)
        self.trust = self.shield.trust()
        self.secret = self._warden.secret()
        self._context = door_context(self._warden.ca, self._warden.broker)
        self.socket = stack.enter_context(listening(options.outward, options.door_port, "joining"))
        self.server = door_server(Door(registry, authority, notify).app(), self._context)

    def url(self, port: int) -> str:
        """Where rooms send, and where they join."""
        host = f"[{self._address}]" if ":" in str(self._address) else self._address
        return f"mqtts://{host}:{port}, and join at https://{host}:{self.socket.getsockname()[1]}"

    def follow(self, broker: Broker | None) -> None:
        """Tell the broker what has changed in the registry, if it is time to look."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        try:
            given = self._warden.look(time.time())
        except HubError as error:
            if str(error) != self._trouble:
                self._notify(f"who may send cannot be looked up: {error}")
            self._trouble = str(error)
            return
        self._trouble = None
        if given is not None:
            self.permits = given
            self.trust.load_cert_chain(self._warden.hub)
            self._context.load_cert_chain(self._warden.broker)
            if broker is not None:
                broker.permit(given)
