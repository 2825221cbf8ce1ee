"""One connection to the broker; the only place on the device that knows MQTT's library.

Each connection has a client of its own, so that no queue of the library's outlives it.
"""

import hashlib
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.sync import wire
from app.sync.address import Address
from app.sync.trust import has_ended

KEEPALIVE_S = 30
GOODBYE_TURNS = 10
"""Tenths of a second that a broker has to take our last words."""


class Link:
    """One connection to the broker, from connecting to its end.

    `store` keeps a command's bytes and must not raise: the library does not survive that.
    """

    def __init__(self, address: Address, clinic: str, device: str, store: Callable[[bytes], None]) -> None:
        self._topics = {leaf: wire.topic(clinic, device, leaf) for leaf in ("m", "ack", "state", "cmd")}
        self._store = store
        self.acks: list[bytes] = []
        self.ready = False
        """Acknowledgements are subscribed: messages may go."""
        self.trouble: str | None = None
        """Why this link is of no more use."""
        self.refused = False
        """The trouble is the broker's will, not its absence."""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"fermata_{clinic}_{device}{_secret(address)}",
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(wire.MAX_ACK_SEQS)
        trust = address.trust()
        if trust is not None:
            self._client.tls_set_context(trust)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    def connect(
        self, address: Address, will: wire.State, known: int | None = None, keepalive_s: int = KEEPALIVE_S
    ) -> None:
        """Begin. Raises OSError where there is no broker.

        A line without a word for `keepalive_s` is asked, and given up when it says nothing for as long again.
        `known` is a time that is past, seconds since 1970 UTC: a hub whose certificate had ended by then is refused.
        """
        self._client.will_set(self._topics["state"], will.model_dump_json(), qos=1, retain=True)
        self._client.connect(address.host, address.port, keepalive_s)
        if has_ended(self._client.socket(), known):
            self.trouble, self.refused = "the hub's certificate has ended", True

    def turn(self, timeout: float) -> None:
        """Let it work for up to `timeout` seconds."""
        code = self._client.loop(timeout)
        if code != mqtt.MQTT_ERR_SUCCESS and self.trouble is None:
            self.trouble = f"the connection is lost ({mqtt.error_string(code)})"

    def send(self, payload: bytes) -> None:
        """Publish a message."""
        self._publish("m", payload, retain=False)

    def announce(self, state: wire.State) -> None:
        """Publish birth or death, retained."""
        self._publish("state", state.model_dump_json().encode(), retain=True)

    def end(self) -> None:
        """Close it: in good order if it still works, and all that it holds in any case."""
        self._client.disconnect()
        for _ in range(GOODBYE_TURNS):
            if self._client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS or not self._client.want_write():
                break
        self._client.on_connect = self._client.on_subscribe = None  # a circle would keep the sockets open
        self._client.on_message = self._client.on_disconnect = None

    def _publish(self, leaf: str, payload: bytes, *, retain: bool) -> None:
        sent = self._client.publish(self._topics[leaf], payload, qos=1, retain=retain)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS and self.trouble is None:
            self.trouble = f"the connection is lost ({mqtt.error_string(sent.rc)})"

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _props: Properties | None
    ) -> None:
        if code.is_failure:
            self.trouble, self.refused = f"the broker refuses this unit ({code})", True
        else:
            client.subscribe([(self._topics["ack"], 0), (self._topics["cmd"], 1)])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _props: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self.trouble, self.refused = "the broker does not let this unit hear its acknowledgements", True
        else:
            self.ready = True

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._topics["ack"]:
            self.acks.append(bytes(message.payload))
        elif message.topic == self._topics["cmd"]:
            self._store(bytes(message.payload))

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        _props: Properties | None,
    ) -> None:
        if self.trouble is None:
            self.trouble = f"the connection is lost ({code})"


def _secret(address: Address) -> str:
    """What no other unit knows, as long as our certificate: a broker lets whoever has our id push us out."""
    if address.certificate is None:
        return ""
    return "_" + hashlib.sha256(address.certificate.read_bytes()).hexdigest()[:16]
