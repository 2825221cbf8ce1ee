"""The page of alerts: what is wrong with devices, who has seen it, what is over, and how mail goes."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.hub.accounts import Person, Role, form, needs
from app.hub.alert_views import alert_view, count_view, mail_view
from app.hub.alerts import Alerts
from app.hub.desk import Desk
from app.hub.errors import MailError
from app.hub.frame import Frame, language
from app.hub.journal import Deed
from app.hub.mail import MailOptions
from app.hub.post import Post
from app.hub.postman import send_trial
from app.hub.throttle import Throttle

MOST_DIGITS = 9
"""A number with more is no alert's."""
Reader = Annotated[Person, needs(Role.TECH, Role.AUDITOR)]
Keeper = Annotated[Person, needs(Role.TECH)]


def alert_pages(
    alerts: Alerts, post: Post, clinic: str, mail: MailOptions | None, desk: Desk, frame: Frame
) -> APIRouter:
    """The routes."""
    router = APIRouter()
    trials = Throttle(each=1, together=1)

    def show(request: Request, person: Person, status: int = 200, wrong: str = "", done: str = "") -> Response:
        now, say = desk.now, language(request)
        well, bad = mail_view(post.standing(), say) if mail else ([], [])
        content = {
            "open": [alert_view(alert, now, say) for alert in alerts.open()],
            "over": [alert_view(alert, now, say) for alert in alerts.over(now)],
            "count": count_view(*alerts.count(), say),
            "may": person.may(Role.TECH),
            "mail": say("mail_to", who=", ".join(mail.to), host=mail.host) if mail else "",
            "mail_well": well,
            "mail_bad": bad,
            "wrong": wrong,
            "done": done,
            "path": "/alerts",
        }
        return frame.show(request, "alerts.html", content, person, status)

    @router.get("/alerts")
    def read(request: Request, person: Reader) -> Response:
        return show(request, person)

    @router.post("/alerts/seen")
    def see(request: Request, person: Keeper) -> Response:
        number = form(request).get("id", "")
        if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS:
            alerts.see(int(number), desk.by(request, person), desk.now)
        return RedirectResponse(f"/alerts?lang={language(request).code}", 303)

    @router.post("/alerts/mail-test")
    def test(request: Request, person: Keeper) -> Response:
        say = language(request)
        if mail is None:
            return show(request, person, 409, wrong=say("mail_off"))
        if not trials.takes(""):
            return show(request, person, 429, wrong=say("mail_test_later"))
        desk.note(request, person, Deed.MAIL_TRIED)
        try:
            refused = send_trial(mail, clinic)
        except MailError as error:
            return show(request, person, 502, wrong=say("mail_test_failed", why=error))
        if refused:
            return show(request, person, wrong=say("mail_test_refused", who=", ".join(refused)))
        return show(request, person, done=say("mail_test_sent"))

    return router
