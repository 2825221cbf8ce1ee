"""`fermata hub mail-test`."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions


@click.command("mail-test")
@click.pass_obj
def mail_test(options: "HubOptions") -> None:
    """Send a test mail to all who get the alerts, and say what came of it.

    \b
    fermata hub mail-test
    """
    from app.hub.errors import MailError
    from app.hub.postman import send_trial

    if options.mail is None:
        raise MailError("no mail is set up: set hub.mail.host, hub.mail.sender and hub.mail.to in the settings")
    refused = send_trial(options.mail, options.clinic)
    if refused:
        raise MailError(f"{options.mail.host} took the mail, but not for {', '.join(refused)}: check hub.mail.to")
    click.echo(f"{options.mail.host} took the mail. See whether it arrives at {', '.join(options.mail.to)}.")
