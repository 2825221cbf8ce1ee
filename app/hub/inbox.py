"""The inbox: takes messages from the broker, commits them, and only then says so to room and broker."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from app.hub.arrivals import Arrival, Sorted, Standing, sort
from app.hub.errors import StoreError
from app.hub.keys import Key
from app.hub.orders import Orders
from app.hub.store import Store
from app.sync import wire

BATCH = 500
LINGER_S = 0.05
"""A batch is committed when it is full, or this long after its first message."""
KEEPALIVE_S = 20
RETRY_S = (0.2, 15.0)
"""First and longest wait before the broker is tried again; it doubles in between."""
STORE_RETRY_S = 5.0
ORDERS_S = 2.0
"""Between two looks for commands that were asked for by another process."""


class Inbox:
    """One MQTT client with a stable name, run by one thread.

    The order is: COMMIT, then the room's acknowledgement, then PUBACK to the broker. What is not committed is
    not acknowledged anywhere, so a hub killed at any point gets it again.
    """

    def __init__(
        self,
        clinic: str,
        address: tuple[str, int],
        store: Store,
        notice: Callable[[str], None],
        store_retry_s: float = STORE_RETRY_S,
        trust: ssl.SSLContext | None = None,
        orders: Orders | None = None,
        secret: str = "",
    ) -> None:
        """`secret` ends its name at the broker: whoever knows a name can push its owner out."""
        self.subscribed = Event()
        self.trouble: str | None = None
        """What keeps messages from being committed now, in a sentence."""
        self._clinic = clinic
        self._address = address
        self._store = store
        self._notice = notice
        self._store_retry_s = store_retry_s
        self._orders = orders
        self._ordered: set[Key] = set()
        """Commands that were sent since their unit's last birth, by device, epoch and number."""
        self._next_look = 0.0
        self._batch: list[tuple[Arrival, int]] = []  # with the number to PUBACK; 0: QoS 0, none is wanted
        self._first = 0.0
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"fermata-{clinic}-hub{secret}",
            clean_session=False,
            protocol=MQTTv311,
            reconnect_on_failure=False,  # run does it, in the open
            manual_ack=True,
        )
        if trust is not None:
            self._client.tls_set_context(trust)
        self._client.max_inflight_messages_set(BATCH)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def run(self, stop: Event) -> None:
        """Take messages until told to stop; a broker that is away is tried again and again."""
        wait = RETRY_S[0]
        while not stop.is_set():
            if self._connect():
                self._follow(stop)
                if self.subscribed.is_set():
                    wait = RETRY_S[0]
            self.subscribed.clear()
            self._batch.clear()  # none of it was acknowledged: the broker brings it again
            if not stop.is_set():
                self._worry(f"the broker at {self._address[0]}:{self._address[1]} does not answer: trying again")
                stop.wait(wait)
                wait = min(2 * wait, RETRY_S[1])
        self._client.disconnect()

    def _connect(self) -> bool:
        try:
            return self._client.connect(*self._address, keepalive=KEEPALIVE_S) == MQTTErrorCode.MQTT_ERR_SUCCESS
        except (OSError, socket.gaierror):
            return False

    def _follow(self, stop: Event) -> None:
        """Take and commit until the connection breaks or we are told to stop."""
        while self._client.loop(LINGER_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            late = time.monotonic() - self._first >= LINGER_S
            if self._batch and (late or len(self._batch) >= BATCH or stop.is_set()):
                self._commit(stop)
            if stop.is_set():
                return
            if self._orders and time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + ORDERS_S
                self._order(self._orders)

    def _commit(self, stop: Event) -> None:
        """Write the batch, then acknowledge it; wait and try again while the store cannot be written."""
        items = [item for arrival, _ in self._batch if (item := sort(arrival))]
        while True:
            now = int(time.time())
            try:
                keys = self._store.commit(items, now)
                words = self._words(items, now)
            except StoreError as error:
                self._worry(str(error))
                if stop.wait(self._store_retry_s):
                    self._batch.clear()
                    return
            else:
                break
        self._relax()
        for device, word in words:
            self._client.publish(wire.topic(self._clinic, device, "ack"), word.model_dump_json(), qos=1)
        for device, ack in acknowledgements(keys, now):
            self._client.publish(wire.topic(self._clinic, device, "ack"), ack.model_dump_json(), qos=1)
        for _, number in self._batch:
            if number:
                self._client.ack(number, 1)
        self._batch.clear()

    def _words(self, items: Iterable[Sorted], now: int) -> list[tuple[str, wire.Word]]:
        """What is known of each unit that says it is there."""
        births = {(each.device, each.state.epoch) for each in items if isinstance(each, Standing) and each.is_birth}
        devices = {device for device, _ in births}
        self._ordered = {key for key in self._ordered if key[0] not in devices}
        self._next_look = 0.0 if births else self._next_look
        return self._store.words(births, now)

    def _order(self, orders: Orders) -> None:
        """Send each unit what it is asked; again when it is born again, until it has answered."""
        try:
            asked = orders.open(int(time.time()))
        except StoreError as error:
            self._worry(str(error))
            return
        for each in asked:
            key = each.device, each.epoch, each.number
            if key not in self._ordered:
                self._ordered.add(key)
                self._client.publish(wire.topic(self._clinic, each.device, "cmd"), each.payload, qos=1)

    def _worry(self, sentence: str) -> None:
        """Say a trouble once, not at every try."""
        if sentence != self.trouble:
            self._notice(sentence)
        self.trouble = sentence

    def _relax(self) -> None:
        """Say once that a trouble is over."""
        if self.trouble:
            self._notice("messages are stored again")
        self.trouble = None

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:  # noqa: ANN401  paho's signature
        if reason.is_failure:
            self._worry(f"the broker refuses the hub ({reason}): check its accounts")
            client.disconnect()
            return
        client.subscribe([(wire.topic(self._clinic, "+", "m"), 1), (wire.topic(self._clinic, "+", "state"), 1)])

    def _on_subscribe(
        self,
        client: Client,
        _data: Any,  # noqa: ANN401  paho's signature
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Any,  # noqa: ANN401
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._worry("the broker does not let the hub read the rooms' messages: check its accounts")
            client.disconnect()
            return
        self._relax()
        self.subscribed.set()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:  # noqa: ANN401  paho's signature
        *_, device, leaf = message.topic.split("/")
        if not self._batch:
            self._first = time.monotonic()
        self._batch.append((Arrival(device, leaf, bytes(message.payload)), message.mid if message.qos else 0))


def acknowledgements(keys: Iterable[Key], now: int) -> Iterator[tuple[str, wire.Ack]]:
    """The keys as acknowledgements for each device, none longer than the wire allows."""
    seqs: dict[tuple[str, str], list[int]] = {}
    for device, epoch, seq in keys:
        seqs.setdefault((device, epoch), []).append(seq)
    for (device, epoch), numbers in seqs.items():
        for start in range(0, len(numbers), wire.MAX_ACK_SEQS):
            part = tuple(numbers[start : start + wire.MAX_ACK_SEQS])
            yield device, wire.Ack(epoch=epoch, seqs=part, hub_time=now)
