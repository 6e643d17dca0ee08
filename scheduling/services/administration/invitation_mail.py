"""The mail that brings an invitation. It says nothing about treatment or the clinic."""

import logging
from datetime import tzinfo

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Invitation

logger = logging.getLogger(__name__)


def mail_invitation(invitation: Invitation, *, link: str, language: str, zone: tzinfo) -> bool:
    """Mail the link to the address of the invitation. Return False if the mail server did not take the message.

    A failure is logged without the address, because a mail server's answer may repeat it.
    """
    with override(language):
        subject = _("Your sign-in link")
        text = render_to_string(
            "account/email/invitation.txt", {"link": link, "expires_at": invitation.expires_at, "zone": zone}
        )
    try:
        send_mail(subject, text, None, [invitation.email])
    except OSError as error:  # the errors of smtplib are OSErrors, too
        logger.error("an invitation could not be mailed: %s", type(error).__name__)
        return False
    return True
