"""Keep a form that is sent too late, and show it again after the person has signed in or confirmed who they are."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from accounts.views import ConfirmationNeeded
from iopmanager import clock
from iopmanager.html_forms import fill_form
from iopmanager.middleware.reader import signed_in_user
from iopmanager.middleware.sign_in_limits import ENDED, JUST_ENDED, KEPT_FORM
from scheduling.views.current_site import is_own_url

KEPT_FOR = timedelta(hours=1)
MOST_CHARACTERS = 100_000
NEVER_KEPT = ("/accounts/", "/join/", "/set-up/", "/sign-ins/", "/site/")
"""Forms on paths with these beginnings are not kept. They contain passwords or codes, or nothing worth keeping."""

BUTTONS = {"check", "decision", "how", "look", "open", "seen", "shown", "suppose", "try", "write"}
"""The names of buttons. Nobody typed their values, so the note above a kept form does not list them."""


class KeptFormMiddleware:
    """Keep the form that a person sends too late. The form has no effect yet.

    It is too late after the sign-in has ended, and when a sensitive page must first ask again who the person is. The form's
    values, without files, are kept for an hour in the browser's session on the server. After the same person has signed in
    or confirmed who they are, the form's page appears once with the values filled in, and the person can send the form.
    Another person who signs in never gets the values.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kept = _kept_form(request)
        if kept is None:
            return self.get_response(request)
        request.META.pop("HTTP_IF_NONE_MATCH", None)  # the browser must not show its cached page with an empty form
        page = self.get_response(request)
        if page.status_code == 302:  # the person must confirm who they are before the page is shown
            return page
        request.session.pop(KEPT_FORM, None)
        return _show_again(request, page, kept)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Keep the submitted form. Django calls this method only after it has checked the CSRF token."""
        if not hasattr(request, JUST_ENDED) or request.method != "POST" or "HX-Request" in request.headers:
            return None
        if request.path.startswith(NEVER_KEPT):
            return None
        page = page_of(request)
        if form := form_to_keep(request, page, why="signed_out"):
            request.session[ENDED] = {**request.session[ENDED], KEPT_FORM: form}
        return redirect_to_login(page)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Redirect to the page that asks who the person is, if a view requires this. Keep the submitted form."""
        if not isinstance(exception, ConfirmationNeeded):
            return None
        is_page = request.method == "GET" and "HX-Request" not in request.headers
        page = request.get_full_path() if is_page else page_of(request)
        if request.method == "POST" and (form := form_to_keep(request, page, why="asked_who")):
            request.session[KEPT_FORM] = form
        ways = get_adapter().get_reauthentication_methods(request.user)
        question = f"{ways[0]['url']}?{urlencode({REDIRECT_FIELD_NAME: page})}"
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": question})
        return redirect(question)


def form_to_keep(request: HttpRequest, page: str, *, why: str, action: str = "") -> dict[str, Any] | None:
    """Return the form's values, without passwords, and what is needed to show them again, or None if they are too long.

    `page` is the page with the form. `action` is the path to which the page sends the form, if it is not the path of the
    request. `why` says why nothing was saved: "signed_out", "asked_who" or "merged".
    """
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and "password" not in name
    ]
    if sum(len(name) + len(value) for name, value in fields) > MOST_CHARACTERS:
        return None
    until = (clock.now() + KEPT_FOR).isoformat()
    return {"page": page, "action": action or request.path, "fields": fields, "until": until, "why": why}


def page_of(request: HttpRequest) -> str:
    """Return the URL of the page from which the form was sent, as given in the Referer header."""
    referer = request.headers.get("Referer", "")
    parts = urlsplit(referer)
    if not is_own_url(request, referer) or parts.path.startswith(NEVER_KEPT):
        return request.get_full_path()
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _kept_form(request: HttpRequest) -> dict[str, Any] | None:
    """Return the kept form if the request is for the form's page. Otherwise return None.

    A form that was kept for more than an hour is removed from the session.
    """
    if signed_in_user(request) is None or request.method != "GET" or KEPT_FORM not in request.session:
        return None
    kept: dict[str, Any] = request.session[KEPT_FORM]
    is_too_late = clock.now() >= datetime.fromisoformat(kept["until"])
    if is_too_late:
        del request.session[KEPT_FORM]
    return kept if urlsplit(kept["page"]).path == request.path and not is_too_late else None


def _not_saved(kept: dict[str, Any]) -> str:
    if kept.get("why") == "asked_who":
        return _("We asked who you are before this was saved. Check it and send it again.")
    if kept.get("why") == "merged":
        return _("This was not saved, because two records were merged in the meantime. Check it and send it again.")
    return _("You were signed out before this was saved. Check it and send it again.")


def _not_done(kept: dict[str, Any]) -> str:
    if kept.get("why") == "asked_who":
        return _("We asked who you are before this was done. Nothing was saved. Do it again.")
    if kept.get("why") == "merged":
        return _("This was not done, because two records were merged in the meantime. Nothing was saved. Do it again.")
    return _("You were signed out before this was done. Nothing was saved. Do it again.")


def _show_again(request: HttpRequest, page: HttpResponse, kept: dict[str, Any]) -> HttpResponse:
    """Fill in the form of the page, with a note above it. The note lists the values for which the form has no field."""
    if page.status_code == 405:  # the kept form was a button, and its browser did not name the page of the button
        messages.warning(request, _not_done(kept))
        return redirect("home")
    if page.status_code != 200 or not page.headers.get("Content-Type", "").startswith("text/html") or page.streaming:
        return page
    filled = fill_form(page.text, page=request.path, action=kept["action"], fields=kept["fields"])
    left_over = [
        value
        for name, value in filled.left_over
        if value.strip() and name not in BUTTONS and not name.endswith("_FORMS")
    ]
    if filled.form_start is None:  # the values of check boxes and the ids in lists mean nothing to people
        left_over = [value for value in left_over if value != "on" and not value.isdecimal()]
    context = {"what": _not_saved(kept) if filled.form_start is not None else _not_done(kept), "left_over": left_over}
    note = render_to_string("components/kept_form.html", context, request)
    at = filled.html.find('<div class="toasts" id="messages"') if filled.form_start is None else filled.form_start
    if at < 0:
        return page
    page.content = filled.html[:at] + note + filled.html[at:]
    del page.headers["ETag"]
    del page.headers["Cache-Control"]
    patch_cache_control(page, private=True, no_store=True)
    return page
