"""Letters that tell an employer or a school a patient's appointment times, written with the patient's consent.

A letter discloses appointment times and nothing else (42 CFR part 2).
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Consent, Patient
from scheduling.domain.letters import (
    Appointment,
    LetterContent,
    PurposeRevealsTreatment,
    revealing_words,
    summarize_appointments,
)
from scheduling.formats import phone_number
from scheduling.models import Booking, Letter
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.documents.letter_pdf import render_pdf, unprintable_characters
from timekeeping.reasons import EndDateBeforeStart, Reason, refuse_if_any

LONGEST_PERIOD = timedelta(weeks=26)
"""The longest period that one letter may cover. Product rule."""


@dataclass(frozen=True, slots=True)
class ConsentNotInForce(Reason):
    """The consent is not in force today: it has expired, was revoked, or is not signed yet."""

    recipient: str
    last_day: date
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class NoAppointments(Reason):
    """The patient has no appointments in the period. Appointments after the day `horizon` are not booked yet."""

    first_day: date
    last_day: date
    horizon: date


@dataclass(frozen=True, slots=True)
class LetterTooLong(Reason):
    """The letter would cover more weeks than allowed."""

    weeks: int
    most: int


@dataclass(frozen=True, slots=True)
class UnprintableCharacters(Reason):
    """The letter contains characters that can't be printed.

    The font lacks them, or they belong to a right-to-left script.
    """

    letters: str


@dataclass(frozen=True, slots=True)
class LetterheadRevealsTreatment(Reason):
    """The letterhead contains a word about treatment, or the site's name.

    The site's name is allowed in the address, because it may be the name of a street.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameRevealsTreatment(Reason):
    """The text entered as the patient's name contains the site's name or a word about treatment."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LetterChanged(Reason):
    """The letter's content has changed since it was previewed."""


def consents_of(patient: Patient, today: date) -> tuple[list[Consent], list[Consent]]:
    """Return two lists: the patient's consents in force today, and all others. Each consent's letters are prefetched."""
    consents = list(patient.consents.select_related("patient__site").prefetch_related("letters"))
    in_force = [each for each in consents if each.is_in_force_on(today)]
    return in_force, [each for each in consents if each not in in_force]


def letter_content(*, consent: Consent, name: str, first_day: date, last_day: date, now: datetime) -> LetterContent:
    """Return the content of a letter for `first_day` to `last_day`, inclusive.

    `name` is the patient's name as it appears in the letter.

    Raises Refused if the consent is not in force, or if the period is reversed, is too long or has no appointments.
    Also raises Refused if the text contains words that would reveal the treatment, or characters that can't be printed.
    """
    site = consent.patient.site
    today = site.today_at(now)
    refuse_if_any(_check_request(consent, first_day, last_day, today))
    until = last_day + timedelta(days=1)
    times = summarize_appointments(_appointments(consent.patient, first_day, until))
    content = LetterContent(
        sender=_normalize(site.letterhead or site.neutral_name),
        sender_address=_normalize(site.address),
        sender_phone=phone_number(site.phone),
        written_on=today,
        recipient=_normalize(consent.recipient),
        recipient_address=_normalize(consent.recipient_address),
        name=_normalize(name),
        first_day=first_day,
        last_day=last_day,
        times=times,
        signed_on=consent.signed_on,
        consent_last_day=consent.last_day,
        purpose=_normalize(consent.purpose),
    )
    refuse_if_any(_check_disclosure(content, consent.patient))
    if not times:
        refuse_if_any([NoAppointments(first_day, last_day, horizon_end(today) - timedelta(days=1))])
    unprintable = unprintable_characters(content)
    refuse_if_any([UnprintableCharacters(unprintable)] if unprintable else [])
    return content


@transaction.atomic
def write_letter(
    *, consent: Consent, name: str, first_day: date, last_day: date, seen: str, by: User, now: datetime
) -> tuple[Letter, bytes]:
    """Record the disclosure. Return the row of the letter, and the letter as a PDF.

    `seen` is the key of the content that was previewed. Raises Refused as `letter_content` does, or if the content has
    changed since the preview.
    """
    consents = Consent.objects.select_for_update(of=("self",), no_key=True).select_related("patient__site")
    consent = consents.get(pk=consent.pk)
    content = letter_content(consent=consent, name=name, first_day=first_day, last_day=last_day, now=now)
    refuse_if_any([LetterChanged()] if content.key != seen else [])
    letter = Letter.objects.create(
        consent=consent, starts=first_day, ends=last_day + timedelta(days=1), written_at=now, written_by=by
    )
    detail = f"times of {first_day:%Y-%m-%d} to {last_day:%Y-%m-%d}"
    record(letter, by=by, action=Action.DISCLOSED, at=now, detail=detail, reason=consent.purpose)
    return letter, render_pdf(content)


def _check_request(consent: Consent, first_day: date, last_day: date, today: date) -> Iterable[Reason]:
    if not consent.is_in_force_on(today):
        yield ConsentNotInForce(consent.recipient, consent.last_day, consent.revoked_at is not None)
    if last_day < first_day:
        yield EndDateBeforeStart(first_day, last_day)
    if last_day - first_day > LONGEST_PERIOD:
        yield LetterTooLong(-(-(last_day - first_day).days // 7), LONGEST_PERIOD.days // 7)


def _check_disclosure(content: LetterContent, patient: Patient) -> Iterable[Reason]:
    """Yield the reasons why user-entered text would reveal treatment. Words of the patient's real name are allowed."""
    name = patient.site.name
    if words := revealing_words(content.sender, [name]) + revealing_words(content.sender_address):
        yield LetterheadRevealsTreatment(words)
    if words := revealing_words(content.purpose, [name]):
        yield PurposeRevealsTreatment(words)
    own = f"{patient.first_name} {patient.last_name}".casefold().split()
    if words := revealing_words(" ".join(each for each in content.name.split() if each.casefold() not in own), [name]):
        yield NameRevealsTreatment(words)


def _normalize(text: str) -> str:
    """Return the text in Unicode form NFC, because the fonts have glyphs only for composed characters."""
    return unicodedata.normalize("NFC", text)


def _appointments(patient: Patient, first: date, until: date) -> Iterable[Appointment]:
    """Yield the patient's bookings in [first, until), in the local time of each session's site."""
    booked = Booking.objects.active().of_patient(patient.pk).filter(session__on__gte=first, session__on__lt=until)
    for booking in booked.select_related("session__site"):
        zone = booking.session.site.zone
        starts, ends = booking.starts.astimezone(zone), booking.ends.astimezone(zone)
        yield Appointment(starts.date(), starts.time(), ends.time())
