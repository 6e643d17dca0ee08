"""The second factor of sign-in: who needs one, who has one, and its removal after a phone was lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import send_mail
from django.db import models, transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.audit import record
from accounts.models import Action, User
from accounts.services.sign_ins import delete_sessions
from timekeeping.reasons import Reason, refuse_if_any

DEMO_ADDRESS = "@demo.example"
"""The accounts of the demo clinic have addresses that end like this."""
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor. Recovery codes alone don't: they stand in for a factor that is lost."""


@dataclass(frozen=True, slots=True)
class OwnSecondFactor(Reason):
    """Users can't remove their own second factor in this way, because it asks for no password or code."""


@dataclass(frozen=True, slots=True)
class NoSecondFactor(Reason):
    """The person has no second factor that could be removed."""

    name: str


def needs_second_factor(user: User) -> bool:
    """Whether the user may use the clinic's pages only with a second factor. For patients, it is optional."""
    if not settings.STAFF_NEED_SECOND_FACTOR or (settings.DEMO_SIGN_INS and user.email.endswith(DEMO_ADDRESS)):
        return False
    return user.has_any_role


def has_second_factor(user: User) -> bool:
    """Whether the user has set up a second factor. Runs one query."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


@transaction.atomic
def remove_second_factor(
    *, user: User, about: models.Model, reason: str, language: str, by: User | None, now: datetime
) -> None:
    """Remove all second factors and recovery codes of a user, end the user's sessions, and tell the user by mail.

    `about` is the record that the audit event is about: the user, or the patient to whom the user belongs. The mail is
    written in `language`. `by` is None for somebody who works on the server itself. Raises Refused if `by` is the user,
    or if there is no second factor.
    """
    User.objects.select_for_update().get(pk=user.pk)
    refuse_if_any(_check_removal(user, by))
    Authenticator.objects.filter(user_id=user.pk).delete()
    delete_sessions(user)
    record(about, by=by, action=Action.ENDED, at=now, detail="second factor removed", reason=reason)
    with override(language):
        text = render_to_string("mfa/email/removed.txt")
        send_mail(_("Your sign-in settings have changed"), text, None, [user.email])


def _check_removal(user: User, by: User | None) -> Iterable[Reason]:
    if by is not None and by.pk == user.pk:
        yield OwnSecondFactor()
    elif not has_second_factor(user):
        yield NoSecondFactor(user.name)
