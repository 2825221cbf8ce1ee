"""A simulated room's connection to the broker, one of thousands in one thread: it works when it is told to."""

from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.sync import wire

KEEPALIVE_S = 30
"""As a room unit's."""
INFLIGHT = 100


class Line:
    """One connection, from opening to its end; each has a client of its own."""

    def __init__(self, clinic: str, device: str) -> None:
        self.ready = False
        """Acknowledgements are subscribed."""
        self.broken = False
        self.heard: list[bytes] = []
        """What the hub has said."""
        self._topics = {leaf: wire.topic(clinic, device, leaf) for leaf in ("m", "ack", "state", "cmd")}
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"fermata_{clinic}_{device}",
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(INFLIGHT)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    def open(self, host: str, port: int, will: wire.State) -> None:
        """Begin. Raises OSError where there is no broker."""
        self._client.will_set(self._topics["state"], will.model_dump_json(), qos=1, retain=True)
        self._client.connect(host, port, KEEPALIVE_S)

    def fileno(self) -> int:
        """Its socket, to wait for; -1 when there is none."""
        line = self._client.socket()
        return line.fileno() if line else -1

    @property
    def full(self) -> bool:
        """Whether something waits to be written that the socket has not taken."""
        return self._client.want_write()

    def turn(self, *, read: bool, write: bool) -> None:
        """Read or write as the socket allows."""
        if read and self._client.loop_read() != mqtt.MQTT_ERR_SUCCESS:
            self.broken = True
        if write and not self.broken and self._client.loop_write() != mqtt.MQTT_ERR_SUCCESS:
            self.broken = True

    def keep(self) -> None:
        """Say that we are here, if it is time to; to be asked every few seconds."""
        if self._client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
            self.broken = True

    def send(self, payload: bytes) -> None:
        """Publish a message."""
        self._publish("m", payload, retain=False)

    def announce(self, state: wire.State) -> None:
        """Publish birth or death, retained."""
        self._publish("state", state.model_dump_json().encode(), retain=True)

    def close(self) -> None:
        """End it in good order if it still works."""
        self._client.disconnect()
        self._client.loop_write()
        self._client.on_connect = self._client.on_subscribe = None  # a circle would keep the socket open
        self._client.on_message = self._client.on_disconnect = None
        if (line := self._client.socket()) is not None:
            line.close()

    def _publish(self, leaf: str, payload: bytes, *, retain: bool) -> None:
        if self._client.publish(self._topics[leaf], payload, qos=1, retain=retain).rc != mqtt.MQTT_ERR_SUCCESS:
            self.broken = True

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:  # noqa: ANN401  paho's
        if reason.is_failure:
            self.broken = True
        else:
            client.subscribe([(self._topics["ack"], 0), (self._topics["cmd"], 1)])

    def _on_subscribe(self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Any, _props: Any) -> None:  # noqa: ANN401
        self.ready = not any(reason.is_failure for reason in reasons)
        self.broken |= not self.ready

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        if message.topic == self._topics["ack"]:
            self.heard.append(bytes(message.payload))

    def _on_disconnect(self, *_: object) -> None:
        self.broken = True
