"""End a sign-in after some minutes without activity, and in any case after SIGN_IN_HOURS."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.signals import user_logged_in as signed_in_by_form
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.domain.sign_in_limits import EndedBy, SignInLimits
from accounts.models import User
from accounts.services.session_store import SessionStore
from accounts.services.sign_ins import IDLE_SECONDS, begin_sign_in, limits_of, record_sign_in
from iopmanager import clock
from iopmanager.middleware.reader import signed_in_user
from scheduling.services.administration.idle_limits import longest_pause_of
from scheduling.views.current_site import SESSION_KEY as SITE

ENDED = "ended_sign_in"
"""Session key of a dict that says whose sign-in ended by itself, and why."""
KEPT_FORM = "kept_form"
"""Key of a form that was sent after the sign-in ended. A new sign-in moves the form from the dict to the session."""
JUST_ENDED = "sign_in_just_ended"
"""Name of an attribute that a request has if the sign-in ended at this request."""


WARNING = timedelta(minutes=2)
"""How long before the end of a sign-in a page warns the person."""


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest, user: User, **_: object) -> None:
    """Store in the session when the person signed in.

    If the same person's previous sign-in in this browser ended by itself, restore the chosen site and the kept form.
    """
    begin_sign_in(
        request.session,
        user_agent=request.headers.get("User-Agent", ""),
        longest_pause=longest_pause_of(user),
        now=clock.now(),
    )
    ended: dict[str, Any] = request.session.pop(ENDED, {})
    if ended.get("person") == user.pk:
        for key in (SITE, KEPT_FORM):
            if ended.get(key) is not None:
                request.session[key] = ended[key]


@receiver(signed_in_by_form)
def note_sign_in_in_trail(request: HttpRequest, user: User, **_: object) -> None:
    """Write to the audit trail that somebody has signed in: with a password, a passkey, a code or an invitation."""
    record_sign_in(user, user_agent=request.headers.get("User-Agent", ""), now=clock.now())


@dataclass(frozen=True, slots=True)
class PageLimits:
    """The limits of a sign-in as a page passes them to its script.

    They contain no time of day, because the clock of a phone may be wrong. They stay the same until shortly before the
    end of the working day, so that an unchanged page isn't sent again.
    """

    person: int
    seconds_left: int
    """Seconds until the sign-in ends if the person does nothing more."""
    warning_seconds: int
    noted_every_seconds: int


def _limits_for_page(user: User, limits: SignInLimits, now: datetime) -> PageLimits:
    return PageLimits(
        user.pk,
        int(min(limits.longest_pause, limits.latest_end - now).total_seconds()),
        int(min(WARNING, limits.longest_pause / 2).total_seconds()),
        int(limits.noted_every.total_seconds()),
    )


class SignInLimitsMiddleware:
    """Sign out people who were inactive for too long, or who signed in more than SIGN_IN_HOURS ago.

    Django alone sets no absolute limit: it prolongs a session each time something is stored in the session.

    The time of the last activity is not stored at every request (see `SignInLimits.noted_every`). Requests that scripts
    send by themselves do not count as activity.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = signed_in_user(request)
        if user is not None:
            now = clock.now()
            limits = limits_of(request.session, now)
            if ended_by := limits.ended_by(now):
                end_sign_in(request, user, ended_by)
            else:
                if limits.must_note_activity(now) and is_activity(request):
                    note_activity(request, user, now)
                vars(request)["sign_in"] = _limits_for_page(user, limits_of(request.session, now), now)
        return self.get_response(request)


def end_sign_in(request: HttpRequest, user: User, ended_by: EndedBy) -> None:
    """Sign the user out. The browser's new session says who was signed out, and why."""
    site = request.session.get(SITE)
    logout(request)
    request.session[ENDED] = {"by": ended_by.value, "person": user.pk, SITE: site}
    setattr(request, JUST_ENDED, True)


def is_activity(request: HttpRequest) -> bool:
    """Whether the request counts as activity. Prefetches don't, nor does a script that asks how long the sign-in lasts."""
    asks_for_state = request.path == reverse("account-sign-in-state") and "active" not in request.GET
    return not asks_for_state and "prefetch" not in request.headers.get("Sec-Purpose", "")


def note_activity(request: HttpRequest, user: User, now: datetime) -> None:
    """Save that the user is active. Also store the current idle limit, because a site may have changed the limit."""
    assert isinstance(request.session, SessionStore)
    request.session.note_activity(now)
    seconds = longest_pause_of(user).total_seconds()
    if request.session.get(IDLE_SECONDS) != seconds:
        request.session[IDLE_SECONDS] = seconds
