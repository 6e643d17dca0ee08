"""The services that change a patient's record: what they save, what they refuse, and what they audit."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import Commitment, Episode, Patient
from patients.services.availability.commitments import (
    CommitmentValues,
    add_commitment,
    change_commitment,
    end_commitment,
    remove_commitment,
)
from patients.services.care.episodes import LevelValues, admit_patient, set_level_of_care
from patients.services.record.contacts import contacts_of
from patients.services.record.person import PatientValues, change_patient, create_patient
from scheduling.domain.hours.rules import HoursRules
from scheduling.models import Site
from scheduling.reason_text import reason_text
from tests.factories import MONDAY, admit, make_commitment, make_patient, make_place, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site, code="P001")


def person(**fields: Any) -> PatientValues:
    given = {"code": "P007", "first_name": "Noor", "last_name": "Haddad", "birth_date": date(1988, 2, 29)}
    return PatientValues(**given | fields)


def shift(**fields: Any) -> CommitmentValues:
    given = {"kind": "work", "label": "Day shift", "starts": time(8), "ends": time(16), "weekdays": 0b11111}
    return CommitmentValues(**given | fields)


def level(**fields: Any) -> LevelValues:
    given = {
        "level": "2.1",
        "prescribed_minutes": 540,
        "prescribed_days": 3,
        "starts": MONDAY,
        "stated_by": "Dr. Imani Cole, MD",
    }
    return LevelValues(**given | fields)


ROTATION = {"weekdays": 0, "cycle_days": 7, "cycle_mask": 0b1111, "anchor": MONDAY}


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    assert all(reason_text(reason) for reason in refused.value.reasons)
    return [reason.code for reason in refused.value.reasons]


def events(subject: Any) -> list[tuple[str, int | None, str]]:
    found = AuditEvent.objects.filter(subject_kind=subject._meta.model_name, subject_key=subject.pk).order_by("pk")
    return [(event.action, event.patient_key, event.detail) for event in found]


def test_creating_a_patient_is_audited(site: Site, coordinator: User) -> None:
    made = create_patient(site_id=site.pk, values=person(), contacts=Contacts(), by=coordinator, now=NOW)

    assert Patient.objects.get() == made
    assert events(made) == [(Action.CREATED, made.pk, "")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"code": "P001"}, ["code_taken"], id="somebody else's code"),
        pytest.param({"birth_date": date(2026, 11, 25)}, ["birth_date_in_future"], id="born tomorrow"),
        pytest.param(
            {"code": "P001", "birth_date": date(2030, 1, 1)}, ["code_taken", "birth_date_in_future"], id="both"
        ),
    ],
)
def test_a_patient_with_invalid_details_is_refused(
    site: Site, patient: Patient, coordinator: User, fields: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        create_patient(site_id=site.pk, values=person(**fields), contacts=Contacts(), by=coordinator, now=NOW)

    assert codes(refused) == expected
    assert Patient.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_the_audit_trail_names_the_changed_fields_but_not_their_values(patient: Patient, coordinator: User) -> None:
    before = person(code="P001", first_name="Rosa", last_name="Lindqvist", birth_date=patient.birth_date)

    after = person(code="P001", address="4 Main St")
    contacts = Contacts((Phone("555 0100"),), (ContactPerson("Ana", "sister", "555 0101"),))

    change_patient(patient=patient, values=before, contacts=Contacts(), by=coordinator, now=NOW)
    change_patient(patient=patient, values=after, contacts=contacts, by=coordinator, now=NOW)
    change_patient(patient=patient, values=after, contacts=contacts, by=coordinator, now=NOW)
    change_patient(patient=patient, values=after, contacts=Contacts(emergency=contacts.emergency), by=None, now=NOW)

    patient.refresh_from_db()
    assert (patient.first_name, patient.address) == ("Noor", "4 Main St")
    assert contacts_of(patient) == Contacts(emergency=contacts.emergency)
    details = [detail for _, _, detail in events(patient)]
    assert details == ["", "first_name, last_name, birth_date, address, phones, emergency contacts", "", "phones"]


def test_a_commitment_is_added_changed_and_ended(patient: Patient, coordinator: User) -> None:
    made = add_commitment(patient=patient, values=shift(), by=coordinator, now=NOW)
    change_commitment(commitment=made, values=shift(travel_before_minutes=20), by=coordinator, now=NOW)
    end_commitment(commitment=made, last_day=date(2026, 12, 18), by=coordinator, now=NOW)

    commitment = Commitment.objects.get()
    assert (commitment.travel_before_minutes, commitment.valid_until) == (20, date(2026, 12, 19))
    assert events(made) == [
        (Action.CREATED, patient.pk, ""),
        (Action.CHANGED, patient.pk, "travel_before_minutes"),
        (Action.ENDED, patient.pk, "after 2026-12-18"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"ends": time(8)}, ["no_duration"], id="starts and ends at eight"),
        pytest.param({"weekdays": 0}, ["never_happens"], id="no weekday"),
        pytest.param(
            {"valid_from": date(2026, 12, 2), "valid_until": date(2026, 12, 2)},
            ["end_date_before_start"],
            id="ends before it begins",
        ),
        pytest.param(
            {"weekdays": 1 << 6, "valid_from": date(2026, 11, 23), "valid_until": date(2026, 11, 28)},
            ["never_happens"],
            id="on Sundays, from a Monday to a Friday",
        ),
        pytest.param(
            {"anchor": date(2026, 12, 1), "valid_from": date(2026, 11, 23), "valid_until": date(2026, 11, 28)},
            ["never_happens"],
            id="every other week, valid only in the week between",
        ),
        pytest.param({"movable_minutes": 480}, ["movable_exceeds_duration"], id="movable by all of its time"),
        pytest.param(ROTATION | {"cycle_mask": 0b1111111}, ["rotation_all_or_nothing"], id="no day off"),
        pytest.param(ROTATION | {"cycle_mask": 0}, ["rotation_all_or_nothing"], id="no day on"),
        pytest.param(ROTATION | {"cycle_days": 57}, ["rotation_too_long"], id="more than eight weeks"),
        pytest.param(
            ROTATION | {"valid_from": date(2026, 11, 27), "valid_until": date(2026, 11, 30)},
            ["never_happens"],
            id="valid only on days off of a rotation",
        ),
        pytest.param(
            {"on": date(2026, 12, 2), "until": date(2026, 12, 2)},
            ["end_date_before_start"],
            id="dates that end before they begin",
        ),
        pytest.param(
            {"on": date(2026, 12, 5), "until": date(2026, 12, 7)}, ["never_happens"], id="weekdays in a weekend's dates"
        ),
        pytest.param(
            {"on": date(2026, 12, 1), "until": date(2028, 1, 1)}, ["date_range_too_long"], id="dates over years"
        ),
        pytest.param({"place_id": 404}, ["place_not_found"], id="unknown place"),
        pytest.param({"weekdays": 0, "ends": time(8)}, ["no_duration", "never_happens"], id="two reasons"),
    ],
)
def test_an_invalid_commitment_is_refused(
    patient: Patient, coordinator: User, fields: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        add_commitment(patient=patient, values=shift(**fields), by=coordinator, now=NOW)

    assert codes(refused) == expected
    assert not Commitment.objects.exists()


def test_night_shifts_single_dates_whole_days_and_rotations_are_accepted(patient: Patient, coordinator: User) -> None:
    add_commitment(patient=patient, values=shift(starts=time(22), ends=time(6)), by=coordinator, now=NOW)
    add_commitment(patient=patient, values=shift(weekdays=0, on=date(2026, 12, 1)), by=coordinator, now=NOW)

    add_commitment(patient=patient, values=shift(starts=time(0), ends=time(0)), by=coordinator, now=NOW)
    add_commitment(patient=patient, values=shift(**ROTATION), by=coordinator, now=NOW)

    assert Commitment.objects.count() == 4


def test_a_commitment_cannot_be_at_another_patients_place(patient: Patient, coordinator: User, site: Site) -> None:
    place = make_place(make_patient(site), {site: (10, 10)})

    with pytest.raises(Refused) as refused:
        add_commitment(patient=patient, values=shift(place_id=place.pk), by=coordinator, now=NOW)

    assert codes(refused) == ["place_not_found"]


def test_a_commitment_cannot_end_before_it_begins(patient: Patient, coordinator: User) -> None:
    commitment = make_commitment(patient, [0], "08:00", "16:00", valid_from=date(2026, 12, 7))

    with pytest.raises(Refused) as refused:
        end_commitment(commitment=commitment, last_day=date(2026, 12, 6), by=coordinator, now=NOW)

    assert codes(refused) == ["end_date_before_start"]


def test_removing_a_commitment_on_one_date_is_audited(patient: Patient, coordinator: User) -> None:
    hearing = make_commitment(patient, [], "10:00", "11:00", label="Hearing", kind="court", on=date(2026, 12, 1))
    key = hearing.pk

    remove_commitment(commitment=hearing, by=coordinator, now=NOW)

    assert not Commitment.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.subject_key, event.subject_label) == (Action.DELETED, key, "Hearing")


def test_admission_opens_an_episode_with_its_first_level(patient: Patient, coordinator: User) -> None:
    episode = admit_patient(
        patient=patient, values=level(), rules=HoursRules(), referral_source="Harbor House", by=coordinator, now=NOW
    )

    span = episode.spans.get()
    assert (episode.starts, episode.referral_source) == (MONDAY, "Harbor House")
    assert (span.level, span.prescribed_minutes, span.prescribed_days, span.ends) == ("2.1", 540, 3, None)
    assert events(episode) == [(Action.CREATED, patient.pk, "level 2.1")]


@pytest.mark.parametrize(
    ("ends", "starts"),
    [
        pytest.param(None, date(2026, 12, 1), id="while an episode is open"),
        pytest.param(date(2026, 12, 2), date(2026, 12, 1), id="on the last day of an episode"),
    ],
)
def test_a_patient_cannot_be_in_two_episodes_at_once(
    patient: Patient, coordinator: User, ends: date | None, starts: date
) -> None:
    admit(patient)
    Episode.objects.update(ends=ends)

    with pytest.raises(Refused) as refused:
        admit_patient(patient=patient, values=level(starts=starts), rules=HoursRules(), by=coordinator, now=NOW)

    assert codes(refused) == ["already_admitted"]


def test_the_next_episode_may_begin_the_day_after_discharge(patient: Patient, coordinator: User) -> None:
    admit(patient)
    Episode.objects.update(ends=date(2026, 12, 2))

    admit_patient(patient=patient, values=level(starts=date(2026, 12, 2)), rules=HoursRules(), by=coordinator, now=NOW)

    assert Episode.objects.count() == 2


def test_a_new_level_ends_the_previous_one(patient: Patient, coordinator: User) -> None:
    episode = admit(patient, minutes=1200, days=5, level="2.5")

    set_level_of_care(
        episode=episode, values=level(starts=date(2026, 12, 7)), rules=HoursRules(), by=coordinator, now=NOW
    )

    assert list(episode.spans.values_list("level", "starts", "ends")) == [
        ("2.5", MONDAY, date(2026, 12, 7)),
        ("2.1", date(2026, 12, 7), None),
    ]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        pytest.param(MONDAY, "level_overlaps", id="on the day the present one began"),
        pytest.param(date(2026, 11, 20), "level_overlaps", id="before it"),
        pytest.param(date(2026, 12, 19), "episode_ended", id="after the discharge"),
    ],
)
def test_a_level_that_begins_too_early_or_after_discharge_is_refused(
    patient: Patient, coordinator: User, starts: date, expected: str
) -> None:
    episode = admit(patient)
    Episode.objects.update(ends=date(2026, 12, 19))
    episode.spans.update(ends=date(2026, 12, 19))

    with pytest.raises(Refused) as refused:
        set_level_of_care(episode=episode, values=level(starts=starts), rules=HoursRules(), by=coordinator, now=NOW)

    assert codes(refused) == [expected]
    assert episode.spans.count() == 1
