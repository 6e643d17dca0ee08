"""Leave nothing to see in the browser after a user has signed out, and end every sign-in after a working day."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from iopmanager import clock
from iopmanager.middleware.reader import signed_in_user

SIGNED_IN_AT = "signed_in_at"


class SignOutMiddleware:
    """Keep the pages of signed-in users out of caches, and empty the browser's cache at sign-out.

    Without this, the browser's Back button would show patients' records to the next person at the computer. Responses
    that set their own Cache-Control header keep it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_signed_in = signed_in_user(request) is not None
        response = self.get_response(request)
        if was_signed_in and "Cache-Control" not in response.headers:
            patch_cache_control(response, private=True, no_store=True)
        if was_signed_in and not request.user.is_authenticated:
            # this also makes browsers drop the pages that they keep in memory for the Back button
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest, **_: object) -> None:
    """Store the time of the sign-in in the session."""
    request.session[SIGNED_IN_AT] = clock.now().timestamp()


class AbsoluteLimitMiddleware:
    """Sign out users whose sign-in is older than SESSION_COOKIE_AGE.

    Django prolongs a session each time something is stored in it, so a session by itself has no absolute limit. For a
    session in which no time of sign-in is stored, the limit counts from the first request that finds none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if signed_in_user(request) is not None:
            now = clock.now().timestamp()
            if now - request.session.setdefault(SIGNED_IN_AT, now) >= settings.SESSION_COOKIE_AGE:
                logout(request)
        return self.get_response(request)
