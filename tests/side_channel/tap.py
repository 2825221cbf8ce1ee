"""A wire-tap between `send` and its broker: every MQTT packet both ways, with what can be seen of it."""

import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

KINDS = {
    1: "CONNECT",
    2: "CONNACK",
    3: "PUBLISH",
    4: "PUBACK",
    8: "SUBSCRIBE",
    9: "SUBACK",
    12: "PINGREQ",
    13: "PINGRESP",
    14: "DISCONNECT",
}
CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Packet:
    """One MQTT packet."""

    slot: int
    """In which slot of the compressed week it passed."""
    after_s: float
    """Seconds of real time since that slot began."""
    up: bool
    """From the unit to its hub."""
    kind: str
    content: bytes
    """All of it."""

    @property
    def topic(self) -> str:
        """Of a PUBLISH; empty otherwise."""
        return self.content[self._start + 2 : self._start + 2 + self._length].decode() if self.kind == "PUBLISH" else ""

    @property
    def payload(self) -> bytes:
        """Of a PUBLISH."""
        return self.content[self._start + 2 + self._length + 2 * self.asks :]

    @property
    def asks(self) -> bool:
        """Whether it is a PUBLISH that has to be acknowledged: QoS 1."""
        return self.kind == "PUBLISH" and bool(self.content[0] & 0b110)

    @property
    def retained(self) -> bool:
        return self.kind == "PUBLISH" and bool(self.content[0] & 1)

    @property
    def _start(self) -> int:
        return next(place for place in range(1, 5) if not self.content[place] & 0x80) + 1

    @property
    def _length(self) -> int:
        return int.from_bytes(self.content[self._start : self._start + 2], "big")


class Tap:
    """Listens on `port` and passes all on to the broker at `to`; `slot` is moved by who knows the time."""

    def __init__(self, to: int) -> None:
        self.slot = 0
        self.packets: list[Packet] = []
        self._began = time.monotonic()
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def next_slot(self) -> None:
        """What passes from now on is of the next slot."""
        self.slot, self._began = self.slot + 1, time.monotonic()

    def _accept(self) -> None:
        self._server.settimeout(0.2)
        while not self._closing:
            with suppress(TimeoutError):
                unit = self._server.accept()[0]
                with suppress(OSError), unit, socket.create_connection(("127.0.0.1", self._to)) as broker:
                    self._pass_on(unit, broker)

    def _pass_on(self, unit: socket.socket, broker: socket.socket) -> None:
        """One connection, until either side ends it."""
        rest = {unit: b"", broker: b""}
        with selectors.DefaultSelector() as selector:
            for side in rest:
                selector.register(side, selectors.EVENT_READ)
            while not self._closing:
                for key, _ in selector.select(0.2):
                    side = unit if key.fileobj is unit else broker
                    data = side.recv(CHUNK)
                    if not data:
                        return
                    rest[side] = self._note(rest[side] + data, up=side is unit)
                    (broker if side is unit else unit).sendall(data)

    def _note(self, data: bytes, *, up: bool) -> bytes:
        """Note each whole packet; what is left of an unfinished one."""
        while (size := packet_size(data)) is not None and len(data) >= size:
            kind = KINDS.get(data[0] >> 4, "other")
            self.packets.append(Packet(self.slot, time.monotonic() - self._began, up, kind, data[:size]))
            data = data[size:]
        return data

    def close(self) -> None:
        """Stop."""
        self._closing = True
        self._thread.join()
        self._server.close()


def packet_size(data: bytes) -> int | None:
    """Bytes of the packet that begins here (MQTT 3.1.1, 2.2.3); None while that cannot be told."""
    size = 0
    for place, byte in enumerate(data[1:5]):
        size |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return size + place + 2
    return None
