"""What a patient allows to be told, to whom: recorded as it was signed, and revoked at their word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Consent, Patient
from scheduling.domain.letters import PurposeRevealsTreatment, revealing_words
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused


@dataclass(frozen=True, slots=True)
class SignedInFuture(Reason):
    """Nobody has signed it yet on the day given."""

    code: ClassVar[str] = "signed_in_the_future"
    signed_on: date


@dataclass(frozen=True, slots=True)
class AlreadyRevoked(Reason):
    """The consent was revoked before."""

    code: ClassVar[str] = "revoked_already"
    recipient: str
    on: date


@dataclass(frozen=True, kw_only=True)
class ConsentValues:
    """A consent as it was signed; it holds on the half-open dates `signed_on` to `valid_until`."""

    recipient: str
    recipient_kind: str
    purpose: str
    signed_on: date
    valid_until: date
    recipient_address: str = ""


def _check_consent(values: ConsentValues, today: date, site_name: str) -> Iterable[Reason]:
    if values.signed_on > today:
        yield SignedInFuture(values.signed_on)
    if values.valid_until <= values.signed_on:
        yield EndDateBeforeStart(values.signed_on, values.valid_until)
    if telling := revealing_words(values.purpose, [site_name]):
        yield PurposeRevealsTreatment(telling)


@transaction.atomic
def record_consent(*, patient: Patient, values: ConsentValues, by: User, now: datetime) -> Consent:
    """Raises Refused for one that would be signed after today, be over before it is signed, or tell in its purpose what for."""
    against = tuple(_check_consent(values, now.astimezone(patient.site.zone).date(), patient.site.name))
    if against:
        raise Refused(against)
    consent = Consent.objects.create(patient=patient, recorded_by=by, **vars(values))
    record(consent, by=by, action=Action.CREATED, at=now, detail=f"until {consent.last_day:%Y-%m-%d}")
    return consent


@transaction.atomic
def revoke_consent(*, consent: Consent, by: User, now: datetime) -> Consent:
    """From now on nothing more is told on its ground; what was told stays told. Raises Refused when it was revoked before."""
    found = Consent.objects.select_for_update(of=("self",)).select_related("patient__site")
    consent = found.get(pk=consent.pk)
    if consent.revoked_at is not None:
        on = consent.revoked_at.astimezone(consent.patient.site.zone).date()
        raise Refused([AlreadyRevoked(consent.recipient, on)])
    consent.revoked_at, consent.revoked_by = now, by
    consent.save(update_fields=["revoked_at", "revoked_by"])
    record(consent, by=by, action=Action.REVOKED, at=now)
    return consent
