"""A client of the broker that hears everything and says it again in any order."""

import random
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 20.0


class Parrot:
    """It hears `fermata/#`, also what it says itself."""

    def __init__(self, port: int, dice: random.Random) -> None:
        self._dice = dice
        self._heard: list[tuple[str, bytes]] = []
        self._listening = False
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="parrot", clean_session=False, protocol=MQTTv311)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("fermata/#", 1)
        self._client.on_subscribe = lambda *_: setattr(self, "_listening", True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        deadline = time.monotonic() + PATIENCE_S
        while not self._listening:
            assert time.monotonic() < deadline, "the broker lets nobody listen"
            time.sleep(0.02)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:  # noqa: ANN401 - paho's signature
        self._heard.append((message.topic, bytes(message.payload)))

    def repeat(self, times: int) -> None:
        """Say so many things again, chosen by lot."""
        known = list(set(self._heard))
        for topic, payload in self._dice.choices(sorted(known), k=times) if known else []:
            self._client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()
