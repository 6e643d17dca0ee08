"""Let staff without a second factor open only its set-up pages. Also audit who sets up or removes a second factor."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.audit import record
from accounts.models import Action, User
from accounts.services.second_factor import has_second_factor, needs_second_factor
from iopmanager import clock
from iopmanager.middleware.reader import signed_in_user

HAS_SECOND_FACTOR = "has_second_factor"
REACHABLE = frozenset(
    {
        "account_logout",
        "account-sign-in-state",
        "account-signed-in-again",
        "account_reauthenticate",
        "accessibility",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_reauthenticate",
        "mfa_view_recovery_codes",
    }
)
"""URL names of the pages that staff without a second factor may open."""


class SecondFactorMiddleware:
    """Redirect staff who need a second factor, and have none, to the page where they set one up.

    Once a user has a second factor, the session remembers this, and no more queries are needed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Return a redirect to the set-up page, or None to let the view answer."""
        user, match = signed_in_user(request), request.resolver_match
        if user is None or (match is not None and not match.namespaces and match.url_name in REACHABLE):
            return None
        if not needs_second_factor(user) or _has_second_factor(request, user):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": reverse("mfa_index")})
        return redirect("mfa_index")


def _has_second_factor(request: HttpRequest, user: User) -> bool:
    if HAS_SECOND_FACTOR not in request.session and has_second_factor(user):
        request.session[HAS_SECOND_FACTOR] = True
    return HAS_SECOND_FACTOR in request.session


@receiver(authenticator_added)
def note_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: object) -> None:
    """Record that a user has set up a second factor or got recovery codes."""
    _record(user, Action.CREATED, authenticator)


@receiver(authenticator_reset)
def note_new_codes(request: HttpRequest, user: User, authenticator: Authenticator, **_: object) -> None:
    """Record that a user has got new recovery codes."""
    _record(user, Action.CHANGED, authenticator)


@receiver(authenticator_removed)
def note_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: object) -> None:
    """Record that a user has removed a second factor. The next request looks up whether the user has another one."""
    _record(user, Action.ENDED, authenticator)
    request.session.pop(HAS_SECOND_FACTOR, None)


def _record(user: User, action: Action, authenticator: Authenticator) -> None:
    names = {Authenticator.Type.TOTP: "authenticator app", Authenticator.Type.WEBAUTHN: "passkey"}
    record(user, by=user, action=action, at=clock.now(), detail=names.get(authenticator.type, "recovery codes"))
