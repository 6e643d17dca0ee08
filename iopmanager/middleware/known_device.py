"""Remember on which devices a person has signed in."""

from collections.abc import Callable

from allauth.account.signals import password_reset
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.services.known_devices import COOKIE, COOKIE_AGE, read_device, remember_person
from iopmanager.middleware.reader import signed_in_user

_PERSON = "person_who_reset_password"


@receiver(password_reset)
def note_password_reset(request: HttpRequest, user: User, **_: object) -> None:
    """Tell the middleware who has set a new password in this request."""
    setattr(request, _PERSON, user)


class KnownDeviceMiddleware:
    """Give the browser a cookie after a person has signed in, or has set a new password with a link from a mail.

    Wrong passwords from a device with the cookie are counted separately. On this device, the person can therefore sign
    in even while strangers are guessing passwords. The cookie does not sign anybody in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        may_sign_in = request.method == "POST" and signed_in_user(request) is None
        response = self.get_response(request)
        person = getattr(request, _PERSON, None) or (may_sign_in and request.user)
        if isinstance(person, User):
            response.set_cookie(
                COOKIE,
                remember_person(read_device(request.COOKIES.get(COOKIE, "")), person.email),
                max_age=COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
