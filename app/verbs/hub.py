"""`fermata hub`."""

from pathlib import Path

import click

from app.settings import load
from app.verbs.common import needing


@click.command()
@click.option("--state", type=click.Path(path_type=Path), help="Folder of the database and of the broker's store.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the page; 0 takes any free one.")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), help="Port of the embedded broker; 0 takes any free one.")
@click.option("--database", metavar="URL", help="A PostgreSQL of the clinic's own, postgresql://USER@HOST/NAME.")
@click.option("--broker", metavar="URL", help="A broker of the clinic's own, mqtt://127.0.0.1:PORT.")
@click.pass_obj
def hub(
    file: Path | None,
    state: Path | None,
    port: int | None,
    mqtt_port: int | None,
    database: str | None,
    broker: str | None,
) -> None:
    """Be the clinic's hub: broker, inbox, store and page.

    \b
    fermata hub --state ./hub
    """
    with needing("hub"):
        from app.hub.options import HubOptions
        from app.hub.serve import serve as serve_hub

    settings = load(file)
    own = settings.hub
    serve_hub(
        HubOptions(
            clinic=settings.room.clinic,
            state=state or own.state,
            host=own.host,
            port=own.port if port is None else port,
            mqtt_port=own.mqtt_port if mqtt_port is None else mqtt_port,
            therapists=own.therapists,
            owner_agreed=own.owner_agreed,
            database=database or own.database,
            broker_url=broker,
        )
    )
