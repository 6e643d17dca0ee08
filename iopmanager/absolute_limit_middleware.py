"""End every sign-in after a working day, even if the person works on."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from iopmanager import clock
from iopmanager.reader_middleware import signed_in_user

SIGNED_IN_AT = "signed_in_at"


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest, **_: object) -> None:
    """Store the time of the sign-in in the session."""
    request.session[SIGNED_IN_AT] = clock.now().timestamp()


class AbsoluteLimitMiddleware:
    """Sign people out who signed in longer ago than SESSION_COOKIE_AGE.

    Django prolongs a session each time something is stored in it, so a session by itself has no absolute limit. A
    session without a time began before this limit existed, and counts from now on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if signed_in_user(request) is not None:
            now = clock.now().timestamp()
            if now - request.session.setdefault(SIGNED_IN_AT, now) >= settings.SESSION_COOKIE_AGE:
                logout(request)
        return self.get_response(request)
