"""Device health for Prometheus: gauges read from the database when asked, and nothing of conversations."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from app.hub.accounts import Person, Role
from app.hub.alerts import Alerts
from app.hub.callers import calls
from app.hub.conditions import Kind
from app.hub.rooms import Presence
from app.hub.rounds import Rounds, Ward
from app.hub.wards import Choice


class Health:
    """Collects for Prometheus; `trouble` tells what keeps messages from being stored. Raises StoreError."""

    def __init__(
        self,
        rounds: Rounds,
        alerts: Alerts,
        folder: Path,
        trouble: Callable[[], str | None],
        clock: Callable[[], float],
    ) -> None:
        self._rounds, self._alerts, self._folder = rounds, alerts, folder
        self._trouble, self._clock = trouble, clock

    def collect(self) -> Iterator[Metric]:
        """All there is to tell."""
        now = int(self._clock())
        wards = [ward for ward in self._rounds.wards(Choice(), now) if not ward.room.simulated]
        yield from _presence(wards, now)
        yield from _units(wards)
        kinds = Counter(alert.kind for alert in self._alerts.open())
        open_ = GaugeMetricFamily("fermata_alerts_open", "Alerts on devices that are open.", labels=["kind"])
        for kind in Kind:
            open_.add_metric([kind], kinds[kind])
        yield open_
        storing = GaugeMetricFamily("fermata_hub_storing", "1: messages can be stored; 0: they cannot.")
        storing.add_metric([], 0 if self._trouble() else 1)
        yield storing
        free = GaugeMetricFamily("fermata_hub_disk_free_bytes", "Free where the hub keeps its state.")
        free.add_metric([], shutil.disk_usage(self._folder).free)
        yield free


def _presence(wards: list[Ward], now: int) -> Iterator[Metric]:
    online = GaugeMetricFamily("fermata_room_online", "1: heard within a quarter of an hour.", labels=["room"])
    heard = GaugeMetricFamily(
        "fermata_room_last_heartbeat_timestamp_seconds", "When it was heard last.", labels=["room"]
    )
    for ward in wards:
        online.add_metric([ward.room.device], ward.room.presence(now) is Presence.ONLINE)
        if ward.room.heartbeat is not None:
            heard.add_metric([ward.room.device], ward.room.heartbeat)
    yield from (online, heard)


def _units(wards: list[Ward]) -> Iterator[Metric]:
    ok = GaugeMetricFamily(
        "fermata_room_microphones_ok", "1: found well at the unit's fixed hour; 0: a fault.", labels=["room"]
    )
    clock = GaugeMetricFamily("fermata_room_clock_set", "1: by the hub; 0: it has not heard the hub.", labels=["room"])
    ends = GaugeMetricFamily(
        "fermata_room_certificate_end_timestamp_seconds", "When its certificate ends.", labels=["room"]
    )
    waiting = GaugeMetricFamily("fermata_room_outbox_waiting", "Weekly reports not yet acknowledged.", labels=["room"])
    dropped = CounterMetricFamily(
        "fermata_room_outbox_dropped", "Heartbeats dropped for want of room.", labels=["room"]
    )
    unit = InfoMetricFamily("fermata_room_unit", "What the unit runs.", labels=["room"])
    for ward in wards:
        room, label = ward.room, [ward.room.device]
        if room.microphones in {"ok", "fault"}:
            ok.add_metric(label, room.microphones == "ok")
        if room.clock:
            clock.add_metric(label, room.clock == "hub")
        if ward.certificate_ends is not None:
            ends.add_metric(label, ward.certificate_ends)
        if room.waiting is not None:
            waiting.add_metric(label, room.waiting)
        if room.dropped is not None:
            dropped.add_metric(label, room.dropped)
        if room.software:
            unit.add_metric(label, {"software": room.software})
    yield from (ok, clock, ends, waiting, dropped, unit)


def exposition(health: Health) -> APIRouter:
    """The route."""
    router = APIRouter()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(health)

    @router.get("/metrics")
    def metrics(request: Request, _person: Annotated[Person, calls(Role.TECH)]) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": kind})

    return router
