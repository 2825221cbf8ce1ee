"""What `send` must not be: a device for which a broker's PUBACK is the end of a message. The control of the faults."""

import sqlite3
import sys
import time

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from app.sync import wire

POLL_S = 0.1


def main(outbox: str, clinic: str, device: str, port: int) -> None:
    """Publish what waits; forget what is PUBACKed."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"naive-{device}", protocol=MQTTv311)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    topic = wire.topic(clinic, device, "m")
    with sqlite3.connect(outbox, isolation_level=None, timeout=10) as db:
        while True:
            for seq, payload in db.execute("SELECT seq, payload FROM messages WHERE acknowledged IS NULL").fetchall():
                if client.is_connected():
                    published = client.publish(topic, payload, qos=1)
                    published.wait_for_publish(10.0)
                    if published.is_published():
                        db.execute("UPDATE messages SET acknowledged = 1 WHERE seq = ?", (seq,))
            time.sleep(POLL_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
