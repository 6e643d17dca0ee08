"""The mail that brings an invitation. It says nothing about treatment or the clinic."""

from datetime import tzinfo

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Invitation


def mail_invitation(invitation: Invitation, *, link: str, language: str, zone: tzinfo) -> None:
    """Put a mail with the link into the outbox. It goes to the e-mail address of the invitation.

    `zone` is the time zone of the expiry time in the mail.
    """
    with override(language):
        subject = _("Your sign-in link")
        text = render_to_string(
            "account/email/invitation.txt", {"link": link, "expires_at": invitation.expires_at, "zone": zone}
        )
    send_mail(subject, text, None, [invitation.email])
