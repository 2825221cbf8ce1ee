"""`fermata hub`, and the verbs below it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.settings import Mail
from app.sources import load
from app.verbs.common import needing
from app.verbs.hub_add_room import add_room
from app.verbs.hub_backup import backup, restore
from app.verbs.hub_command import command
from app.verbs.hub_copy import copy
from app.verbs.hub_mail_test import mail_test
from app.verbs.hub_revoke import revoke
from app.verbs.hub_rooms import rooms
from app.verbs.hub_simulate_rooms import simulate_rooms
from app.verbs.hub_token import token
from app.verbs.hub_user import user

if TYPE_CHECKING:
    from app.hub.mail import MailOptions


@click.group(invoke_without_command=True)
@click.option("--state", type=click.Path(path_type=Path), help="Folder of the database and of the broker's store.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the page; 0 takes any free one.")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), help="Port of the embedded broker; 0 takes any free one.")
@click.option("--door-port", type=click.IntRange(0, 65535), help="Port where rooms join; 0 takes any free one.")
@click.option("--database", metavar="URL", help="A PostgreSQL of the clinic's own, postgresql://USER@HOST/NAME.")
@click.option("--broker", metavar="URL", help="A broker of the clinic's own, mqtts://HOST:PORT or mqtt://127.0.0.1.")
@click.option("--rehearsal", is_flag=True, help="Let anybody on this machine look while all there is, is simulated.")
@click.pass_context
def hub(
    context: click.Context,
    state: Path | None,
    port: int | None,
    mqtt_port: int | None,
    door_port: int | None,
    database: str | None,
    broker: str | None,
    rehearsal: bool,
) -> None:
    """Be the clinic's hub: broker, inbox, store and page.

    \b
    fermata hub --state ./hub
    fermata hub add-room "Blue room"
    fermata hub user list
    """
    with needing("hub"):
        from app.hub.options import HubOptions

    settings = load(context.obj)
    own = settings.hub
    options = HubOptions(
        clinic=settings.room.clinic,
        state=state or own.state,
        host=own.host,
        port=own.port if port is None else port,
        mqtt_port=(own.mqtts_port if own.address else own.mqtt_port) if mqtt_port is None else mqtt_port,
        address=own.address,
        certificate=own.certificate,
        key=own.key,
        door_port=own.door_port if door_port is None else door_port,
        broker_files=own.broker_files,
        therapists=own.therapists,
        owner_agreed=own.owner_agreed,
        database=database or own.database,
        broker_url=broker or own.broker,
        rehearsal=rehearsal,
        mail=mail_options(own.mail),
    )
    if context.invoked_subcommand:
        context.obj = options
    else:
        with needing("hub"):
            from app.hub.serve import serve as serve_hub
        serve_hub(options)


def mail_options(mail: Mail) -> "MailOptions | None":
    """How alerts are mailed; None where no mail server is set. Raises HubError."""
    from app.hub.errors import HubError
    from app.hub.mail import MailOptions

    if mail.host is None:
        return None
    if mail.sender is None:
        raise HubError("mail needs somebody to come from: set hub.mail.sender")
    return MailOptions(
        host=mail.host,
        sender=mail.sender,
        to=mail.to,
        port=mail.port,
        security=mail.security,
        ca=mail.ca,
        user=mail.user,
        password_file=mail.password_file,
        language=mail.language,
    )


for verb in (add_room, rooms, revoke, command, backup, restore, copy, user, token, mail_test, simulate_rooms):
    hub.add_command(verb)
