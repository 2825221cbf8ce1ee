"""What mails say: of devices only, in the language that the clinic has set."""

from collections.abc import Sequence
from textwrap import fill

from app.hub.alert_views import AlertView, alert_view
from app.hub.alerts import Alert
from app.hub.post import Mail
from app.hub.words import Words

WIDTH = 72
MOST = 40
"""So many alerts a mail tells of one by one; the page has all."""


def digest(mail: Mail, clinic: str, now: int, say: Words) -> tuple[str, str]:
    """Subject and text of a mail about what has begun and what is over."""
    counts = [
        say(key, n=len(alerts)) for key, alerts in (("mail_begun", mail.begun), ("mail_over", mail.over)) if alerts
    ]
    parts = [
        *_part(say("mail_begun_title"), mail.begun, now, say),
        *_part(say("mail_over_title"), mail.over, now, say),
        fill(say("mail_page"), WIDTH),
        fill(say("mail_foot"), WIDTH),
    ]
    return say("mail_subject", clinic=clinic, what=", ".join(counts)), "\n\n".join(parts) + "\n"


def trial(clinic: str, say: Words) -> tuple[str, str]:
    """Subject and text of a mail that only shows that mail arrives."""
    subject = say("mail_subject", clinic=clinic, what=say("mail_trial"))
    return subject, f"{fill(say('mail_trial_text'), WIDTH)}\n\n{fill(say('mail_foot'), WIDTH)}\n"


def _part(title: str, alerts: Sequence[Alert], now: int, say: Words) -> list[str]:
    if not alerts:
        return []
    lines = [_line(alert_view(alert, now, say), say) for alert in alerts[:MOST]]
    more = [say("mail_more", n=len(alerts) - MOST)] if len(alerts) > MOST else []
    return [f"{title}\n{'-' * len(title)}", *lines, *more]


def _line(view: AlertView, say: Words) -> str:
    told = say("alert_until", since=view.since, until=view.until) if view.until else f"{view.told} {view.advice}"
    name = "".join(letter if letter.isprintable() else " " for letter in view.name)
    return f"{name}: {view.title}\n{fill(told, WIDTH, initial_indent='  ', subsequent_indent='  ')}"
