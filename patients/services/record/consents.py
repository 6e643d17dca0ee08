"""Record and revoke a patient's consents to share appointment times with one recipient."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Consent, Patient
from scheduling.domain.letters import PurposeRevealsTreatment, revealing_words
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class SignedInFuture(Reason):
    """The date of signing is in the future."""

    signed_on: date


@dataclass(frozen=True, slots=True)
class AlreadyRevoked(Reason):
    """The consent was already revoked, on the date `on`."""

    recipient: str
    on: date


@dataclass(frozen=True, kw_only=True)
class ConsentValues:
    """A consent as the patient signed it, valid on the dates [signed_on, valid_until)."""

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
    if words := revealing_words(values.purpose, [site_name]):
        yield PurposeRevealsTreatment(words)


@transaction.atomic
def record_consent(*, patient: Patient, values: ConsentValues, by: User, now: datetime) -> Consent:
    """Record a signed consent and return it.

    Raises Refused if the date of signing is in the future, if the consent ends before it begins, or if the text of its
    purpose reveals the treatment. 42 CFR Part 2 protects the fact of treatment.
    """
    refuse_if_any(_check_consent(values, now.astimezone(patient.site.zone).date(), patient.site.name))
    consent = Consent.objects.create(patient=patient, recorded_by=by, **vars(values))
    record(consent, by=by, action=Action.CREATED, at=now, detail=f"until {consent.last_day:%Y-%m-%d}")
    return consent


@transaction.atomic
def revoke_consent(*, consent: Consent, by: User, now: datetime) -> Consent:
    """Revoke the consent as of now, and return it. Letters that were sent under the consent stay on record.

    Raises Refused if the consent was already revoked.
    """
    consents = Consent.objects.select_for_update(of=("self",)).select_related("patient__site")
    consent = consents.get(pk=consent.pk)
    if consent.revoked_at is not None:
        on = consent.revoked_at.astimezone(consent.patient.site.zone).date()
        raise Refused([AlreadyRevoked(consent.recipient, on)])
    consent.revoked_at, consent.revoked_by = now, by
    consent.save(update_fields=["revoked_at", "revoked_by"])
    record(consent, by=by, action=Action.REVOKED, at=now)
    return consent
