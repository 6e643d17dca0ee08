"""The page on which an invited person chooses a password. Only sending the form uses up the link."""

from copy import copy

from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.models import Invitation, User
from accounts.services.invitations import InvitationUnknown, InvitationUsed, accept_invitation, find_invitation
from accounts.views import sign_in_with_new_password
from iopmanager import clock
from patients.domain.languages import language_code
from scheduling.forms.administration.invitations import JoinForm
from scheduling.reason_text import reason_text
from scheduling.views.refusals import submit_form
from timekeeping.reasons import Refused


@sensitive_variables("token")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form of an invitation. A POST sets the password and signs the person in."""
    try:
        answer = _join(request, token)
    except Refused as refused:
        answer = _closed(request, refused)
    answer.headers["Referrer-Policy"] = "strict-origin"  # keeps the secret link out of the Referer header
    add_never_cache_headers(answer)
    return answer


def _join(request: HttpRequest, token: str) -> HttpResponse:
    invitation = find_invitation(token, clock.now())
    language = invited_language(invitation)
    with translation.override(language or translation.get_language()):
        if isinstance(request.user, User):
            text = _("You are signed in as %(name)s. To use this link, sign out first. Then open it again.")
            return _page(request, "join_closed.html", {"text": text % {"name": request.user}, "signed_in": True}, 409)
        form = JoinForm(request.POST or None, invitation=invitation)
        if request.method == "POST" and not ratelimit.consume(request, action="join_form", key=str(invitation.pk)):
            form.add_error(
                None, _("Too many tries. Wait until tomorrow, then open the link again, or ask for a new one.")
            )
        saved = submit_form(request, form, lambda: accept_invitation(token=token, now=clock.now(), **form.cleaned_data))
        if saved:
            return sign_in_with_new_password(request, saved.value)
        if form.is_bound and not form.errors.keys() <= set(form.fields):
            find_invitation(token, clock.now())  # raises Refused if the link was used or withdrawn in the meantime
        return _page(request, "join.html", {"form": form}, 422 if form.errors else 200)


def invited_language(invitation: Invitation) -> str | None:
    """Return the code of the language that the invited person reads, or None if it is not known."""
    if invitation.patient is not None:
        return language_code(invitation.patient.language)
    return (invitation.user.language if invitation.user else "") or None


def _closed(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Show why the link can't be used. The number of unknown links that a visitor can try is limited."""
    (reason,) = refused.reasons
    if isinstance(reason, InvitationUnknown) and not _may_try(request):
        return _page(request, "join_closed.html", {"text": _("Too many tries. Wait 5 minutes, then try again.")}, 429)
    status = 404 if isinstance(reason, InvitationUnknown) else 410
    context = {"text": reason_text(reason), "may_sign_in": isinstance(reason, InvitationUsed)}
    return _page(request, "join_closed.html", context, status)


def _may_try(request: HttpRequest) -> bool:
    """Count the request as an attempt to guess a link. Return False if there were too many attempts.

    The limiter ignores GET requests, so it gets a copy of the request that looks like a POST.
    """
    counted = copy(request)
    counted.method = "POST"
    may: bool = ratelimit.consume(counted, action="join")
    return may


def _page(request: HttpRequest, template: str, context: dict[str, object], status: int) -> HttpResponse:
    page = render(request, f"scheduling/administration/{template}", context, status=status)
    page.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return page
