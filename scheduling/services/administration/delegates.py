"""Delegates, who may see a patient's appointment times: give them access under a consent, and end the access."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, Invitation, User
from accounts.services.first_run import lock_users
from accounts.services.invitations import EmailTaken, issue_invitation, turn_off_user
from patients.models import Consent, Delegate, Patient, RecipientKind
from scheduling.services.documents.letters import ConsentNotInForce
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class DelegatesNotAllowed(Reason):
    """The patient's site does not share schedules with anybody."""

    site: str


@dataclass(frozen=True, slots=True)
class DelegateEnded(Reason):
    """The person can't see the schedule any more, for example because somebody else has just ended the access."""

    name: str


@dataclass(frozen=True, slots=True)
class CanSignIn(Reason):
    """The person can sign in, and needs no link."""

    name: str


type DelegateLink = tuple[Invitation, str] | None
"""An invitation with its token. None if the person can sign in already."""


@transaction.atomic
def add_delegate(
    *, consent: Consent, email: str, by_mail: bool, by: User, now: datetime
) -> tuple[Delegate, DelegateLink]:
    """Let the recipient of the consent see the patient's schedule. Return the delegate, and a link to sign in.

    There is no link for a person who can sign in already, such as another patient. An earlier delegate row of the
    person for this patient ends.

    Raises Refused if the site does not allow delegates, if the consent is not in force, or if its recipient is an
    employer, a school or a court. Also raises Refused if the address belongs to a staff member, to the patient, or to
    another patient whose account is turned off.
    """
    lock_users()
    patient = _locked(consent.patient)
    consent = Consent.objects.select_for_update(of=("self",)).get(pk=consent.pk)
    if not patient.site.allows_delegates:
        raise Refused([DelegatesNotAllowed(patient.site.name)])
    if consent.recipient_kind != RecipientKind.OTHER or not consent.is_in_force_on(patient.site.today_at(now)):
        raise Refused([ConsentNotInForce(consent.recipient, consent.last_day, consent.revoked_at is not None)])
    user = _find_or_create_user(email, patient, consent)
    Delegate.objects.open().filter(patient=patient, user=user).update(ended_at=now, ended_by=by)
    delegate = Delegate.objects.create(patient=patient, user=user, consent=consent, since=now, given_by=by)
    record(delegate, by=by, action=Action.CREATED, at=now, detail=f"until {consent.last_day:%Y-%m-%d}")
    return delegate, None if _can_sign_in(user) else _issue(user, by_mail, by, now)


@transaction.atomic
def invite_delegate_again(*, delegate: Delegate, by_mail: bool, by: User, now: datetime) -> tuple[Invitation, str]:
    """Create a new link for a delegate who can't sign in. Earlier links stop working.

    Raises Refused if the person can sign in, or may not see the schedule any more.
    """
    lock_users()
    patient = _locked(delegate.patient)
    delegate = Delegate.objects.select_related("patient__site", "consent", "user").get(pk=delegate.pk)
    if not delegate.is_in_force_on(patient.site.today_at(now)):
        raise Refused([DelegateEnded(str(delegate.user))])
    if _can_sign_in(delegate.user):
        raise Refused([CanSignIn(str(delegate.user))])
    return _issue(delegate.user, by_mail, by, now)


@transaction.atomic
def end_delegate(*, delegate: Delegate, by: User, now: datetime) -> None:
    """End the delegate's access to the patient's schedule. Raises Refused if the access has already ended.

    The delegate's account is turned off, unless the person is a staff member, a patient, or another patient's delegate.
    """
    lock_users()
    _locked(delegate.patient)
    open_row = Delegate.objects.open().select_related("patient", "user").filter(pk=delegate.pk).first()
    if open_row is None:
        raise Refused([DelegateEnded(str(delegate.user))])
    _end(open_row, by, now)


def end_delegates_of(patient: Patient, *, by: User, now: datetime) -> None:
    """End the access of all of the patient's delegates. The caller has locked the users and the patient."""
    for delegate in Delegate.objects.open().filter(patient=patient).select_related("patient", "user"):
        _end(delegate, by, now)


def _end(delegate: Delegate, by: User, now: datetime) -> None:
    delegate.ended_at, delegate.ended_by = now, by
    delegate.save(update_fields=["ended_at", "ended_by"])
    record(delegate, by=by, action=Action.ENDED, at=now)
    user = delegate.user
    is_needed = user.has_any_role or Patient.objects.filter(user=user).exists()
    if not is_needed and not Delegate.objects.open().filter(user=user).exists():
        turn_off_user(user, by=by, now=now)


def _find_or_create_user(email: str, patient: Patient, consent: Consent) -> User:
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return User.objects.create_user(email, name=consent.recipient, is_active=False)
    own = Patient.objects.filter(user=user).first()
    if user.has_any_role or own == patient or (own is not None and not user.is_active):
        raise Refused([EmailTaken(email)])
    return user


def _can_sign_in(user: User) -> bool:
    return user.is_active and user.has_usable_password()


def _issue(user: User, by_mail: bool, by: User, now: datetime) -> tuple[Invitation, str]:
    invitation = Invitation(user=user, email=user.email if by_mail else "")
    return invitation, issue_invitation(invitation, by=by, now=now)


def _locked(patient: Patient) -> Patient:
    return Patient.objects.select_for_update(of=("self",)).select_related("site").get(pk=patient.pk)
