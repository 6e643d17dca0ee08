"""Serve each page in the user's language, and write times of day with the user's 12-hour or 24-hour clock."""

from collections.abc import Callable
from datetime import tzinfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from accounts.models import User
from accounts.views import is_patient
from iopmanager.reader import HourClock, hour_clock_of
from patients.services.record.reader_settings import chosen_language
from scheduling.views.current_site import current_site, sites_worked_at


class ReaderMiddleware:
    """Create each response in the user's language, and write times of day with the user's 12-hour or 24-hour clock.

    If no language is known for the user, the browser's language is used. For a request without a session cookie, such
    as a calendar app's request, no user is looked up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = signed_in_user(request)
        chosen = chosen_language(user) if user else None
        language = chosen or translation.get_language_from_request(request)
        with (
            translation.override(language),
            hour_clock_of(lambda: hour_clock(request, user)),
            timezone.override(admin_zone(request, user)),
        ):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if chosen is None:
            patch_vary_headers(response, ["Accept-Language"])
        return response


def signed_in_user(request: HttpRequest) -> User | None:
    """Return the signed-in user, or None. A request without a session cookie needs no query."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    return request.user if isinstance(request.user, User) else None


def admin_zone(request: HttpRequest, user: User | None) -> tzinfo | None:
    """Return the time zone for Django's admin: the zone of the user's site, or None for the server's zone.

    For pages outside the admin, return None. These pages convert each time to a zone themselves.
    """
    if user is None or not request.path.startswith(reverse("admin:index")) or not user.has_any_role:
        return None
    return current_site(request).zone if sites_worked_at(request) else None


def hour_clock(request: HttpRequest, user: User | None) -> str:
    """Return the 12-hour or 24-hour clock that the user chose. The default is the clock of the user's site."""
    if user is None:
        return HourClock.TWELVE
    if user.hour_clock:
        return user.hour_clock
    if user.has_any_role:
        return current_site(request).hour_clock if sites_worked_at(request) else HourClock.TWELVE
    return user.patient.site.hour_clock if is_patient(user) else HourClock.TWELVE
