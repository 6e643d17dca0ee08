"""Keep a form that is sent after the sign-in has ended, and show it again after the same person has signed in."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from iopmanager import clock
from iopmanager.html_forms import fill_form
from iopmanager.middleware.reader import signed_in_user
from iopmanager.middleware.sign_in_limits import ENDED, JUST_ENDED, KEPT_FORM
from scheduling.views.current_site import is_own_url

KEPT_FOR = timedelta(hours=1)
MOST_CHARACTERS = 100_000
NEVER_KEPT = ("/accounts/", "/join/", "/set-up/", "/sign-ins/", "/site/")
"""Forms on paths with these beginnings are not kept. They contain passwords or codes, or nothing worth keeping."""


class KeptFormMiddleware:
    """Keep the form that a person sends after the sign-in has ended. The form has no effect yet.

    The form's values, without files, are kept for an hour in the browser's session on the server. If the same person
    signs in again, the form's page appears once with the values filled in, and the person can send the form. Another
    person who signs in never gets the values.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kept = _take_kept_form(request)
        if kept is None:
            return self.get_response(request)
        request.META.pop("HTTP_IF_NONE_MATCH", None)  # the browser must not show its cached page with an empty form
        return _show_again(request, self.get_response(request), kept)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Keep the submitted form. Django calls this method only after it has checked the CSRF token."""
        if not hasattr(request, JUST_ENDED) or request.method != "POST" or "HX-Request" in request.headers:
            return None
        if request.path.startswith(NEVER_KEPT):
            return None
        page = _page_of(request)
        fields = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name != "csrfmiddlewaretoken" and "password" not in name
        ]
        if sum(len(name) + len(value) for name, value in fields) <= MOST_CHARACTERS:
            until = (clock.now() + KEPT_FOR).isoformat()
            form = {"page": page, "action": request.path, "fields": fields, "until": until}
            request.session[ENDED] = {**request.session[ENDED], KEPT_FORM: form}
        return redirect_to_login(page)


def _page_of(request: HttpRequest) -> str:
    """Return the URL of the page from which the form was sent, as given in the Referer header."""
    referer = request.headers.get("Referer", "")
    parts = urlsplit(referer)
    if not is_own_url(request, referer) or parts.path.startswith(NEVER_KEPT):
        return request.get_full_path()
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _take_kept_form(request: HttpRequest) -> dict[str, Any] | None:
    """Return the kept form if the request is for the form's page, and remove it from the session. Otherwise return None.

    A form that was kept for more than an hour is removed without being returned.
    """
    if signed_in_user(request) is None or request.method != "GET" or KEPT_FORM not in request.session:
        return None
    kept: dict[str, Any] = request.session[KEPT_FORM]
    is_too_late = clock.now() >= datetime.fromisoformat(kept["until"])
    is_its_page = urlsplit(kept["page"]).path == request.path
    if is_too_late or is_its_page:
        del request.session[KEPT_FORM]
    return kept if is_its_page and not is_too_late else None


def _show_again(request: HttpRequest, page: HttpResponse, kept: dict[str, Any]) -> HttpResponse:
    """Fill in the form of the page, with a note above it. The note lists the values for which the form has no field."""
    if page.status_code == 405:  # the kept form was a button, and its browser did not name the page of the button
        messages.warning(request, _("You were signed out before this was done. Nothing was saved. Do it again."))
        return redirect("home")
    if page.status_code != 200 or not page.headers.get("Content-Type", "").startswith("text/html") or page.streaming:
        return page
    filled = fill_form(page.text, page=request.path, action=kept["action"], fields=kept["fields"])
    left_over = [value for name, value in filled.left_over if value.strip() and not name.endswith("_FORMS")]
    if filled.form_start is None:  # the values of check boxes and the ids in lists mean nothing to people
        left_over = [value for value in left_over if value != "on" and not value.isdecimal()]
    context = {"is_filled": filled.form_start is not None, "left_over": left_over}
    note = render_to_string("components/kept_form.html", context, request)
    at = filled.html.find('<div class="toasts" id="messages"') if filled.form_start is None else filled.form_start
    if at < 0:
        return page
    page.content = filled.html[:at] + note + filled.html[at:]
    del page.headers["ETag"]
    del page.headers["Cache-Control"]
    patch_cache_control(page, private=True, no_store=True)
    return page
