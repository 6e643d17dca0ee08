"""Hand over a new invitation: mail its link, or show a sheet to print with the link and its QR code."""

from dataclasses import dataclass
from datetime import tzinfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Invitation
from iopmanager.qr_code import draw_qr_code
from scheduling.services.administration.invitation_mail import mail_invitation


@dataclass(frozen=True, slots=True)
class NewLink:
    """A new invitation with its secret token, and the language and time zone for the mail or the sheet."""

    invitation: Invitation
    token: str
    language: str
    zone: tzinfo


def mail_link(request: HttpRequest, new: NewLink) -> None:
    """Put the mail with the link into the outbox, and show a success message."""
    mail_invitation(new.invitation, link=_address(request, new.token), language=new.language, zone=new.zone)
    text = _("The link is on its way to %(email)s. It works for 3 days.")
    messages.success(request, text % {"email": new.invitation.email})


def show_sheet(request: HttpRequest, new: NewLink, back: str) -> HttpResponse:
    """Show the sheet in the person's language. The link can be shown only once, so no browser may cache the page.

    `back` is the URL of the page to go back to. The sheet says nothing about treatment or the clinic.
    """
    link = _address(request, new.token)
    context = {"link": link, "code": draw_qr_code(link), "new": new, "back": back}
    with override(new.language):
        sheet = render(request, "scheduling/administration/invitation_sheet.html", context)
    sheet.headers["Content-Language"] = new.language
    add_never_cache_headers(sheet)
    return sheet


def _address(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("join", args=[token]))
