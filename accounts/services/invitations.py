"""Invitations: create them, withdraw them, and use them to get an account. Also end an account."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record, record_all
from accounts.models import Action, Invitation, User
from accounts.services.first_run import lock_users
from accounts.services.sign_ins import delete_sessions
from timekeeping.reasons import Reason, Refused, refuse_if_any

VALID_FOR = timedelta(hours=72)
"""How long an invitation can be used (product rule)."""


@dataclass(frozen=True, slots=True)
class InvitationUnknown(Reason):
    """No invitation has this token."""


@dataclass(frozen=True, slots=True)
class InvitationExpired(Reason):
    """The invitation was not used in time."""


@dataclass(frozen=True, slots=True)
class InvitationUsed(Reason):
    """The invitation was already used."""


@dataclass(frozen=True, slots=True)
class InvitationWithdrawn(Reason):
    """The clinic withdrew the invitation, or sent a newer one."""


@dataclass(frozen=True, slots=True)
class EmailTaken(Reason):
    """Somebody else signs in with the e-mail address."""

    email: str


def hash_invitation_token(token: str) -> str:
    """Return the SHA-256 hash of a token. Only this hash is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def issue_invitation(invitation: Invitation, *, by: User, now: datetime) -> str:
    """Save a new invitation and withdraw the person's earlier one. Return the token, which can't be shown again.

    The caller sets the invitation's `email` and either `patient` or `user`, and has locked the row of this person.
    """
    withdraw_invitations(invitation, by=by, now=now)
    token = secrets.token_urlsafe(32)
    invitation.token_hash = hash_invitation_token(token)
    invitation.created_at, invitation.created_by = now, by
    invitation.expires_at = now + VALID_FOR
    invitation.save(force_insert=True)
    record(invitation, by=by, action=Action.CREATED, at=now, detail="by email" if invitation.email else "printed")
    return token


@transaction.atomic
def withdraw_invitations(about: Invitation, *, by: User | None, now: datetime) -> int:
    """Withdraw the pending invitations of the person who is named in `about`. Return how many there were.

    If `by` is None (the system itself), delete the invitations instead, because a withdrawal must name its user.
    """
    pending = Invitation.objects.select_for_update(of=("self",)).select_related("patient", "user").pending()
    found = list(pending.filter(patient=about.patient_id, user=about.user_id))
    record_all(found, by=by, action=Action.REVOKED, at=now)
    for invitation in found:
        if by is None:
            invitation.delete()
        else:
            invitation.revoked_at, invitation.revoked_by = now, by
            invitation.save(update_fields=["revoked_at", "revoked_by"])
    return len(found)


def find_invitation(token: str, now: datetime) -> Invitation:
    """Return the invitation with this token. Raises Refused, with one reason, if it can't be used."""
    return _usable_invitation(token, now, lock=False)


def check_email(email: str, *, user_id: int | None = None) -> Iterable[Reason]:
    """Yield a reason if somebody other than the user signs in with the e-mail address."""
    if User.objects.filter(~Q(pk=user_id), email__iexact=email).exists():
        yield EmailTaken(email)


@transaction.atomic
def accept_invitation(*, token: str, email: str, password: str, now: datetime) -> User:
    """Use the invitation, and return the user, who can sign in from now on.

    Staff members and delegates keep their address, so `email` matters only for patients. Raises Refused if
    the invitation can't be used, or if somebody else signs in with the address. Of several people who use the same
    link at the same time, only one succeeds.
    """
    lock_users()
    found = _usable_invitation(token, now, lock=False)
    person = found.patient or found.user
    assert person is not None
    # Lock the person before the invitation, in the same order as the code that creates or withdraws invitations.
    type(person)._default_manager.select_for_update().filter(pk=person.pk).first()
    invitation = _usable_invitation(token, now, lock=True)
    patient = invitation.patient
    user = invitation.user or (patient and patient.user) or User(name=str(patient))
    if patient is not None:
        refuse_if_any(check_email(email, user_id=user.pk))
        user.email = User.objects.normalize_email(email)
    user.is_active = True
    user.set_password(password)
    user.save()
    if patient is not None and patient.user_id != user.pk:
        patient.user = user
        patient.save(update_fields=["user"])
    invitation.used_at, invitation.used_by = now, user
    invitation.save(update_fields=["used_at", "used_by"])
    record(invitation, by=user, action=Action.CHANGED, at=now, detail="used")
    return user


@transaction.atomic
def turn_off_user(user: User, *, by: User | None, now: datetime) -> None:
    """Turn off the user's account: its sign-ins, password and reset links stop working at once, and for good.

    Turning the account on again takes a new invitation, with which the user chooses a new password. The caller has
    locked the row of the user, or of the patient to whom the user belongs.
    """
    user.is_active = False
    user.set_unusable_password()  # this also ends reset links, because they contain a hash of the password
    user.save(update_fields=["is_active", "password"])
    if user != by:  # a user's own session is in use during this request, and ends with the old password
        delete_sessions(user)
    withdraw_invitations(Invitation(user=user), by=by, now=now)
    record(user, by=by, action=Action.ENDED, at=now, detail="account turned off")


def _usable_invitation(token: str, now: datetime, *, lock: bool) -> Invitation:
    invitations = Invitation.objects.select_related("patient__site", "patient__user", "user")
    if lock:
        invitations = invitations.select_for_update(of=("self",))
    invitation = invitations.filter(token_hash=hash_invitation_token(token)).first()
    if invitation is None:
        raise Refused([InvitationUnknown()])
    if invitation.used_at is not None:
        raise Refused([InvitationUsed()])
    if invitation.revoked_at is not None:
        raise Refused([InvitationWithdrawn()])
    if invitation.is_expired(now):
        raise Refused([InvitationExpired()])
    return invitation
