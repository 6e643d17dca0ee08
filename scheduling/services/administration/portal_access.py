"""A patient's access to the portal: invite the patient, withdraw the link, and end the access."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Invitation, User
from accounts.services.first_run import lock_users
from accounts.services.invitations import check_email, issue_invitation, turn_off_user, withdraw_invitations
from accounts.services.second_factor import remove_second_factor
from patients.models import Patient
from scheduling.models import Feed
from scheduling.services.administration.delegates import end_delegates_of
from scheduling.services.documents.feeds import revoke_feed
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class HasAccess(Reason):
    """The person already has access."""

    name: str


@dataclass(frozen=True, slots=True)
class HasNoAccess(Reason):
    """The person has no access that could be ended, for example because somebody else has just ended it."""

    name: str


@dataclass(frozen=True, slots=True)
class NoInvitation(Reason):
    """The person has no link that could be withdrawn, for example because it has just been used."""

    name: str


@transaction.atomic
def invite_patient(*, patient: Patient, email: str, by: User, now: datetime) -> tuple[Invitation, str]:
    """Invite the patient to the portal. Return the invitation with its token, which can't be shown again.

    `email` is blank for a link that is handed over on paper. An earlier link stops working. Raises Refused if the
    patient already has access, or if somebody else signs in with the address.
    """
    patient = _locked(patient)
    if patient.user is not None and patient.user.is_active:
        raise Refused([HasAccess(str(patient))])
    if email:
        refuse_if_any(check_email(email, user_id=patient.user_id))
    invitation = Invitation(patient=patient, email=email)
    return invitation, issue_invitation(invitation, by=by, now=now)


@transaction.atomic
def withdraw_patient_link(*, patient: Patient, by: User, now: datetime) -> None:
    """Withdraw the patient's link. Raises Refused if there is none."""
    patient = _locked(patient)
    if not withdraw_invitations(Invitation(patient=patient), by=by, now=now):
        raise Refused([NoInvitation(str(patient))])


@transaction.atomic
def end_portal_access(*, patient: Patient, by: User, now: datetime) -> None:
    """End the patient's access: sign-ins, calendar links and invitations stop working at once, and for good.

    The patient's delegates lose their access, too. Raises Refused if the patient has no access.
    """
    lock_users()
    patient = _locked(patient)
    if patient.user is None or not patient.user.is_active:
        raise Refused([HasNoAccess(str(patient))])
    turn_off_user(patient.user, by=by, now=now)
    end_delegates_of(patient, by=by, now=now)
    withdraw_invitations(Invitation(patient=patient), by=by, now=now)
    for feed in Feed.objects.live().filter(patient=patient).select_related("patient"):
        revoke_feed(feed=feed, by=by, now=now)


@transaction.atomic
def remove_patient_factor(*, patient: Patient, reason: str, language: str, by: User, now: datetime) -> None:
    """Turn off two-step sign-in of a patient who lost the phone. The patient can set it up again.

    The patient is signed out everywhere, and gets a mail in `language`. Raises Refused if the patient has no access, or
    if there is nothing to turn off.
    """
    patient = _locked(patient)
    if patient.user is None:
        raise Refused([HasNoAccess(str(patient))])
    remove_second_factor(user=patient.user, about=patient, reason=reason, language=language, by=by, now=now)


def _locked(patient: Patient) -> Patient:
    return Patient.objects.select_for_update(of=("self",)).select_related("site", "user").get(pk=patient.pk)
