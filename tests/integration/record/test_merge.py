"""Merge two records of one person: what moves, what is refused, and that the merged record is like one from the start."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from accounts.models import AuditEvent, Invitation, RoleAssignment, User
from accounts.permissions import Role
from attendance.models import Attendance
from attendance.services.ledgers import week_ledger
from patients.absorbed_records import GUARD
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import Commitment, Consent, Delegate, Episode, Patient, PatientMerge, Place
from patients.services.availability.commitments import CommitmentValues, add_commitment
from patients.services.record.contacts import contacts_of, save_contacts
from scheduling.models import Booking, Feed, Site, Track
from scheduling.services.administration.portal_access import invite_patient
from scheduling.services.availability.commitments import busy_times
from scheduling.services.documents.feeds import create_feed, serve_feed
from scheduling.services.documents.letters import letter_content
from scheduling.services.reasons import ReasonRequired
from scheduling.services.record.merge import AlreadyMerged, RecordsChanged, merge_records, plan_merge
from scheduling.services.record.merge_checks import (
    BookedTwice,
    CareOverlaps,
    RecordInOtherZone,
    SharedTwice,
    SharedWithOwnSignIn,
    TwoCalendars,
    TwoSignIns,
)
from scheduling.services.record.take_back import (
    EpisodesTied,
    LaterMerge,
    MergeTakenBack,
    PlaceOfOtherRecord,
    SiteChangedSince,
    plan_take_back,
    take_back_merge,
)
from tests.concurrency import at_the_same_time
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_commitment,
    make_delegate,
    make_patient,
    make_patient_user,
    make_place,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
EARLIER = MONDAY - timedelta(weeks=4)
DAYS = (0, 2, 4)


@dataclass
class Desk:
    """A site with its track, its coordinator, and two records of one person."""

    site: Site
    track: Track
    coordinator: User
    kept: Patient
    absorbed: Patient

    def merge(self, *details: str, **fields: Any) -> PatientMerge:
        return merge_records(**{**self.arguments(*details), **fields})

    def arguments(self, *details: str) -> dict[str, Any]:
        kept, absorbed = fresh(self.kept), fresh(self.absorbed)
        return {
            "kept": kept,
            "absorbed": absorbed,
            "from_absorbed": details,
            "reason": "Came twice",
            "seen": plan_merge(kept=kept, absorbed=absorbed, by=self.coordinator, now=NOW).key,
            "by": self.coordinator,
            "now": NOW,
        }

    def take_back(self, merge: PatientMerge, now: datetime = NOW) -> PatientMerge:
        return take_back_merge(merge=merge, reason="Two people after all", by=self.coordinator, now=now)

    def refusals(self) -> list[type]:
        """Return the classes of the reasons against a merge. There must be at least one, so nothing is merged."""
        return reasons(self.merge)


def fresh(patient: Patient) -> Patient:
    return Patient.all_records.select_related("site", "user").get(pk=patient.pk)


def reasons(act: Callable[[], object]) -> list[type]:
    with pytest.raises(Refused) as refused:
        act()
    return [type(reason) for reason in refused.value.reasons]


def make_desk() -> Desk:
    site = make_site("Harbor Street", allows_delegates=True, letterhead="Harbor Office")
    track = make_weekday_track(site, lead=make_staff(Role.CLINICIAN, site))
    return Desk(
        site=site,
        track=track,
        coordinator=make_staff(Role.COORDINATOR, site),
        kept=make_patient(site, address="4 Main Street"),
        absorbed=make_patient(site, email="rosa@example.test"),
    )


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def attend(patient: Patient, track: Track, first: date, by: User, *, discharged: date | None = None) -> Episode:
    """Admit the patient, book one week from the date `first`, and mark the sessions that are over by NOW."""
    episode = admit(patient, first)
    enrollment = enroll(episode, track, first)
    for meeting in track.meetings.order_by("weekday"):
        day = first + timedelta(days=meeting.weekday)
        session = meeting.sessions.filter(on=day).first() or make_session(meeting, day)
        booking = book(session, enrollment)
        if session.ends <= NOW:
            Attendance.objects.create(
                booking=booking, status="present", credited_minutes=170, recorded_by=by, recorded_at=session.ends
            )
    if discharged is not None:
        enrollment.ends = episode.ends = discharged
        enrollment.save()
        episode.save()
        episode.spans.update(ends=discharged)
    return episode


def make_consent(patient: Patient, by: User) -> Consent:
    return Consent.objects.create(
        patient=patient,
        recipient="Harbor Bakery",
        recipient_kind="employer",
        purpose="Time off",
        signed_on=MONDAY,
        valid_until=MONDAY + timedelta(days=90),
        recorded_by=by,
    )


# One record from the start


def make_history(desk: Desk, record_of: Callable[[], Patient]) -> None:
    """Write a person's history. `record_of` returns the record to which the next piece of the history belongs."""
    by = desk.coordinator
    attend(record_of(), desk.track, EARLIER, by, discharged=EARLIER + timedelta(days=7))
    attend(record_of(), desk.track, MONDAY, by)
    make_commitment(record_of(), [1], "13:00", "17:00", label="Shift")
    make_commitment(record_of(), [3], "13:00", "17:00", label="School", kind="school")
    make_calendar(record_of(), by, (datetime(2026, 11, 26, 18, tzinfo=UTC), datetime(2026, 11, 26, 20, tzinfo=UTC)))
    make_consent(record_of(), by)
    feed_owner = record_of()
    create_feed(patient=feed_owner, by=by, now=NOW)


def what_everybody_sees(patient: Patient) -> dict[str, Any]:
    """Return what the ledgers, bookings, feeds, letters and busy times of a person say, without ids."""
    weeks = [EARLIER - timedelta(weeks=1), EARLIER, MONDAY, MONDAY + timedelta(weeks=1)]
    episodes = list(Episode.objects.filter(patient=patient).select_related("patient", "site").order_by("starts"))
    ledgers = [week_ledger(episode=episode, week=week, now=NOW) for episode in episodes for week in weeks]
    bookings = Booking.objects.active().of_patient(patient.pk).order_by("starts")
    feeds = [serve_feed(feed=feed, now=NOW) for feed in Feed.objects.filter(patient=patient)]
    consent = Consent.objects.select_related("patient__site").get(patient=patient)
    days = {"first_day": MONDAY, "last_day": MONDAY + timedelta(days=6)}
    busy = busy_times([patient.pk], patient.site, MONDAY)[patient.pk]
    return {
        "ledgers": [ledger and replace(ledger, makeup_openings=None) for ledger in ledgers],
        "bookings": [
            (each.starts, each.ends, each.countable_minutes, each.week, each.session.on, hasattr(each, "attendance"))
            for each in bookings.select_related("session", "attendance")
        ],
        "feeds": [
            sorted(
                (str(event["DTSTART"].dt), str(event["DTEND"].dt), str(event["SUMMARY"]))
                for event in Calendar.from_ical(feed.body).walk("VEVENT")
            )
            for feed in feeds
            if feed is not None
        ],
        "letter": letter_content(consent=consent, name="Rosa Lindqvist", now=NOW, **days),
        "busy": sorted(str(replace(each, key=0)) for each in busy),
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_merged_record_says_the_same_as_one_record_from_the_start(seed: int) -> None:
    one, two = make_desk(), make_desk()
    make_history(one, lambda: one.kept)
    pick = random.Random(seed)
    make_history(two, lambda: pick.choice([two.kept, two.absorbed]))
    for feed in Feed.objects.filter(patient__in=[two.kept, two.absorbed]):
        serve_feed(feed=feed, now=NOW)  # so that the merge must mark the stored calendar as out of date
    two.merge()

    seen = what_everybody_sees(fresh(two.kept))
    assert seen == what_everybody_sees(fresh(one.kept))
    assert [len(seen["bookings"]), len(seen["feeds"][0])] == [6, 5], "a feed begins four weeks ago"
    assert all(seen["ledgers"][each] for each in (1, 6))


# Every relation


def rows_of_patients() -> set[str]:
    return {f"{each.related_model._meta.label}.{each.field.name}" for each in Patient._meta.related_objects}


def test_every_relation_of_a_patient_is_merged() -> None:
    """A new relation moves by itself. Add it here, once you have checked that no two records can have the same row."""
    assert rows_of_patients() == {
        "accounts.Invitation.patient",
        "patients.Commitment.patient",
        "patients.CommitmentProposal.patient",
        "patients.Consent.patient",
        "patients.Delegate.patient",
        "patients.EmergencyContact.patient",
        "patients.Episode.patient",
        "patients.ImportedCalendar.patient",
        "patients.PatientMerge.absorbed",
        "patients.PatientMerge.kept",
        "patients.PatientPhone.patient",
        "patients.Place.patient",
        "scheduling.Feed.patient",
    }


def test_every_constraint_with_a_patient_is_respected() -> None:
    """A row that moves could break one of these constraints of its table. `merge_rows` and `merge_checks` prevent this."""
    found = {
        constraint.name
        for relation in Patient._meta.related_objects
        for constraint in relation.related_model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
        and relation.field.name in {*constraint.fields, *(str(each.name) for each in constraint.expressions)}
    }
    assert found == {
        "calendar_is_looked_at_once",
        "commitment_code_is_unique_for_a_patient",
        "delegate_of_a_patient_is_open_once",
        "patient_has_one_calendar_of_a_kind",
        "patient_has_one_open_episode",
        "patient_has_one_pending_invitation",
        "place_name_is_unique_for_a_patient",
        "record_is_merged_into_one_record",
    }


def everything(*without: type[models.Model]) -> dict[str, str]:
    """Dump all tables of the project except the audit trail and the given ones."""
    names = ("accounts", "patients", "scheduling", "attendance")
    all_models = [model for name in names for model in apps.get_app_config(name).get_models()]
    return {
        model._meta.label: serializers.serialize("json", model._base_manager.order_by("pk"))
        for model in all_models
        if model not in {AuditEvent, PatientMerge, *without}
    }


def make_rows_of_every_kind(desk: Desk, patient: Patient) -> None:
    by = desk.coordinator
    place = make_place(patient, {desk.site: (20, 30)})
    make_commitment(patient, [1], "13:00", "17:00", label=f"Shift of {patient.code}", place=place, code="C1")
    make_commitment(patient, [3], "18:00", "20:00", label="Choir", kind="other")
    patient.proposals.create(action="add", label="Class", proposed_at=NOW, values={})
    make_calendar(patient, by, state="understood")
    create_feed(patient=patient, by=by, now=NOW)
    make_consent(patient, by)
    make_delegate(patient, f"Friend of {patient.code}", by=by)
    invite_patient(patient=patient, email="", by=by, now=NOW)


def test_taking_back_a_merge_leaves_everything_as_before(desk: Desk) -> None:
    attend(desk.kept, desk.track, EARLIER, desk.coordinator, discharged=EARLIER + timedelta(days=7))
    attend(desk.absorbed, desk.track, MONDAY, desk.coordinator)
    make_calendar(desk.absorbed, desk.coordinator)
    for patient in (desk.kept, desk.absorbed):
        make_rows_of_every_kind(desk, patient)
    Feed.objects.update(stale_at=NOW)
    before = everything()

    merge = desk.merge("email", "code")
    assert everything() != before
    kept = Patient.objects.get()
    assert (kept.email, kept.code) == (desk.absorbed.email, desk.absorbed.code)
    assert {label: len(ids) for label, ids in merge.moved.items()} == {
        "accounts.Invitation": 1,
        "patients.Commitment": 1,
        "patients.CommitmentProposal": 1,
        "patients.Consent": 2,
        "patients.Delegate": 1,
        "patients.Episode": 1,
        "patients.ImportedCalendar": 1,
        "scheduling.Feed": 1,
    }
    desk.take_back(merge)

    assert everything() == before


def test_a_merge_takes_as_many_statements_for_many_rows_as_for_one() -> None:
    counts = []
    for number in (2, 6):
        desk = make_desk()
        for patient in (desk.kept, desk.absorbed):
            for row in range(number):
                travel = row if patient == desk.kept or row % 2 else row + 5
                place = make_place(patient, {desk.site: (travel, travel)}, name=f"Place {row}")
                for label in ("Shift", patient.code):
                    make_commitment(patient, [row], "13:00", "17:00", label=label, place=place, code=f"{label[0]}{row}")
                create_feed(patient=patient, by=desk.coordinator, now=NOW)
                make_consent(patient, desk.coordinator)
            phones = [Phone(f"{patient.pk} 555 01{row}") for row in range(number)]
            save_contacts(patient, Contacts(tuple(phones)))
        arguments = desk.arguments()
        with CaptureQueriesContext(connection) as merging:
            merge = merge_records(**arguments)
        with CaptureQueriesContext(connection) as taking_back:
            desk.take_back(merge)
        counts.append((len(merging), len(taking_back)))
    assert counts[0] == counts[1]


# What the merged record is like


def test_the_user_chooses_the_details_and_an_empty_value_gives_way(desk: Desk) -> None:
    plan = plan_merge(kept=desk.kept, absorbed=desk.absorbed, by=desk.coordinator, now=NOW)
    assert {each.name: each.takes_other for each in plan.differences} == {
        "code": False,
        "address": False,
        "email": True,
    }
    codes = desk.kept.code, desk.absorbed.code
    desk.merge("email", "code")

    kept, absorbed = fresh(desk.kept), fresh(desk.absorbed)
    assert (kept.email, kept.address) == ("rosa@example.test", "4 Main Street")
    assert (absorbed.code, kept.code) == codes, "each code still leads to one of the two records"
    assert absorbed.merged_into == kept


def test_the_same_commitment_and_place_are_not_doubled(desk: Desk) -> None:
    for patient, travel in ((desk.kept, 20), (desk.absorbed, 20)):
        place = make_place(patient, {desk.site: (travel, travel)})
        make_commitment(patient, [1], "13:00", "17:00", place=place)
        make_commitment(patient, [2], patient.code[-1:].rjust(2, "1") + ":00", "20:00", place=place)
    make_place(desk.kept, {desk.site: (5, 5)}, name="Job")
    make_place(desk.absorbed, {desk.site: (10, 5)}, name="job")
    desk.merge()

    assert desk.kept.commitments.count() == 3
    assert {place.patient_id for place in Place.objects.filter(commitments__patient=desk.kept)} == {desk.kept.pk}
    assert sorted(desk.kept.places.values_list("name", flat=True)) == ["Home", "Job", f"job ({desk.absorbed.code})"]


def test_phones_and_emergency_contacts_come_together_and_go_back(desk: Desk) -> None:
    ana, sam = ContactPerson("Ana Peña", "", "(207) 555-0101"), ContactPerson("Sam", "son", "207 555 0102")
    first, second, third = (
        Phone("(207) 555-0142"),
        Phone("(207) 555-0143", "work"),
        Phone("(207) 555-0144", "home", True),
    )
    save_contacts(desk.kept, Contacts((first, second), (ana,)))
    same = Phone("+1 207-555-0143"), ContactPerson("ana pena", "sister", "207.555.0101")
    save_contacts(desk.absorbed, Contacts((third, same[0]), (same[1], sam)))
    merge = desk.merge()
    assert contacts_of(fresh(desk.kept)) == Contacts((first, second, third), (ana, sam))

    save_contacts(fresh(desk.kept), Contacts((third, first), (ana, sam)))
    desk.take_back(merge)
    assert contacts_of(fresh(desk.kept)) == Contacts((first,), (ana,))
    assert contacts_of(fresh(desk.absorbed)) == Contacts((third, same[0]), (same[1], sam))


def test_a_number_that_was_changed_since_goes_back_and_a_removed_one_is_named(desk: Desk) -> None:
    ana = ContactPerson("Ana Reyes", "", "(207) 555-0101")
    own, other, third = Phone("207-555-6001"), Phone("207-555-6002"), Phone("207-555-6003")
    save_contacts(desk.kept, Contacts((own,), ()))
    save_contacts(desk.absorbed, Contacts((other, third), (ana,)))
    commitment = make_commitment(desk.absorbed, [1], "13:00", "17:00")
    merge = desk.merge()
    commitment.delete()
    corrected = Phone("207-555-6012")
    save_contacts(fresh(desk.kept), Contacts((own, corrected), ()))

    plan = plan_take_back(PatientMerge.objects.get(pk=merge.pk), now=NOW)
    assert plan.changed_contacts == [("207-555-6002", "207-555-6012")]
    assert plan.removed_contacts == ["207-555-6003", "Ana Reyes, (207) 555-0101"]
    assert [*plan.removed] == ["patients.Commitment"]
    desk.take_back(merge)
    assert contacts_of(fresh(desk.kept)).phones == (own,)
    assert contacts_of(fresh(desk.absorbed)).phones == (corrected,)


def test_commitments_that_ended_do_not_stand_against_taking_back(desk: Desk) -> None:
    other = make_site("Desert Road", "America/Phoenix")
    RoleAssignment.objects.create(user=desk.coordinator, role=Role.COORDINATOR, site=other)
    Patient.objects.filter(pk=desk.absorbed.pk).update(site=other)
    admit(fresh(desk.absorbed))
    make_commitment(desk.kept, [1], "13:00", "17:00", valid_from=EARLIER, valid_until=MONDAY)
    merge = desk.merge()
    added = make_commitment(fresh(desk.kept), [1], "13:00", "17:00")
    assert reasons(partial(desk.take_back, merge)) == [RecordInOtherZone]
    added.valid_until = MONDAY
    added.save()
    desk.take_back(merge)
    assert fresh(desk.kept).site == desk.site
    assert fresh(desk.absorbed).merged_into is None


def test_the_sign_in_moves_and_an_open_invitation_is_withdrawn(desk: Desk) -> None:
    user = make_patient_user(desk.kept)
    user.is_active = False
    user.save()
    working = make_patient_user(desk.absorbed)
    invitation, _ = invite_patient(patient=desk.kept, email="", by=desk.coordinator, now=NOW)
    merge = desk.merge()

    assert fresh(desk.kept).user == working
    assert fresh(desk.absorbed).user == user
    assert Invitation.objects.get(pk=invitation.pk).revoked_at == NOW
    desk.take_back(merge)
    assert fresh(desk.kept).user == user
    assert fresh(desk.absorbed).user == working
    assert Invitation.objects.pending().get() == invitation


def test_the_merged_record_is_at_the_site_where_the_person_is_in_care(desk: Desk) -> None:
    other = make_site("Elm Road")
    RoleAssignment.objects.create(user=desk.coordinator, role=Role.COORDINATOR, site=other)
    Patient.objects.filter(pk=desk.absorbed.pk).update(site=other)
    admit(fresh(desk.absorbed))
    merge = desk.merge()
    assert fresh(desk.kept).site == other
    desk.take_back(merge)
    assert fresh(desk.kept).site == desk.site


def test_the_trail_of_both_records_says_who_merged_them_and_why(desk: Desk) -> None:
    desk.take_back(desk.merge())
    for patient in (desk.kept, desk.absorbed):
        events = AuditEvent.objects.about_patient(patient.pk).exclude(action="created")
        assert [(each.action, each.actor_key, each.reason) for each in events] == [
            ("separated", desk.coordinator.pk, "Two people after all"),
            ("merged", desk.coordinator.pk, "Came twice"),
        ]


def test_an_absorbed_record_is_found_nowhere(desk: Desk) -> None:
    desk.merge()
    assert list(Patient.objects.all()) == [desk.kept]
    assert list(Patient.objects.visible_to(desk.coordinator)) == [desk.kept]
    assert list(desk.site.patients.all()) == [desk.kept]


# What is refused


def both(act: Callable[[Desk, Patient], object]) -> Callable[[Desk], None]:
    def do(desk: Desk) -> None:
        for patient in (desk.kept, desk.absorbed):
            act(desk, patient)

    return do


def share_with_own_sign_in(desk: Desk) -> None:
    user = make_delegate(desk.kept, "Rosa", by=desk.coordinator)
    Patient.objects.filter(pk=desk.absorbed.pk).update(user=user)


def share_with_one_person(desk: Desk) -> None:
    make_delegate(desk.kept, "Ana", by=desk.coordinator)
    delegate = Delegate.objects.get()
    consent = make_consent(desk.absorbed, desk.coordinator)
    Delegate.objects.create(
        patient=desk.absorbed, user=delegate.user, consent=consent, since=NOW, given_by=desk.coordinator
    )


def in_two_time_zones(desk: Desk) -> None:
    other = make_site("Desert Road", "America/Phoenix")
    RoleAssignment.objects.create(user=desk.coordinator, role=Role.COORDINATOR, site=other)
    Patient.objects.filter(pk=desk.absorbed.pk).update(site=other)
    make_commitment(desk.absorbed, [1], "13:00", "17:00")


def booked_after_discharge(desk: Desk) -> None:
    attend(desk.kept, desk.track, MONDAY, desk.coordinator)
    attend(desk.absorbed, desk.track, MONDAY, desk.coordinator)
    Episode.objects.filter(patient=desk.kept).update(starts=EARLIER, ends=EARLIER + timedelta(days=7))


@pytest.mark.parametrize(
    ("prepare", "refusal"),
    [
        pytest.param(both(lambda _, patient: admit(patient)), CareOverlaps, id="in care under both records"),
        pytest.param(booked_after_discharge, BookedTwice, id="booked at the same time"),
        pytest.param(both(lambda _, patient: make_patient_user(patient)), TwoSignIns, id="two sign-ins"),
        pytest.param(
            both(lambda desk, patient: make_calendar(patient, desk.coordinator)), TwoCalendars, id="two calendars"
        ),
        pytest.param(share_with_one_person, SharedTwice, id="shared twice with one person"),
        pytest.param(share_with_own_sign_in, SharedWithOwnSignIn, id="shared with the patient"),
        pytest.param(in_two_time_zones, RecordInOtherZone, id="times in another time zone"),
    ],
)
def test_what_stands_against_a_merge(desk: Desk, prepare: Callable[[Desk], object], refusal: type) -> None:
    prepare(desk)
    before = everything()
    found = desk.refusals()
    assert set(found) == {refusal}
    assert everything() == before


def test_a_merge_needs_a_reason_and_the_plan_that_was_seen(desk: Desk) -> None:
    assert reasons(partial(desk.merge, reason=" ")) == [ReasonRequired]
    seen = desk.arguments()["seen"]
    make_commitment(desk.absorbed, [1], "13:00", "17:00")
    assert reasons(partial(desk.merge, seen=seen)) == [RecordsChanged]


def test_only_somebody_who_manages_both_records_merges_them(desk: Desk) -> None:
    for role, site in ((Role.CLINICIAN, desk.site), (Role.COORDINATOR, make_site())):
        with pytest.raises(PermissionDenied):
            desk.merge(by=make_staff(role, site))
    merge = desk.merge()
    with pytest.raises(PermissionDenied):
        take_back_merge(merge=merge, reason="No", by=make_staff(Role.CLINICIAN, desk.site), now=NOW)


# Taking back


def make_up_across(desk: Desk) -> None:
    old, new = Episode.objects.order_by("starts")
    missed = Booking.objects.filter(episode=old).first()
    other = make_weekday_track(desk.site, (1,), name="Afternoon")
    session = make_session(other.meetings.get(), MONDAY + timedelta(days=1))
    Booking.objects.create(
        session=session, episode=new, makes_up=missed, starts=session.starts, ends=session.ends,
        countable_minutes=180, week=MONDAY,
    )  # fmt: skip


def use_a_place_of_the_other(desk: Desk) -> None:
    place = desk.kept.places.get(name="Home")
    make_commitment(desk.kept, [5], "13:00", "17:00", place=place)


def merge_once_more(desk: Desk) -> None:
    desk.absorbed = make_patient(desk.site)
    desk.merge()


def merge_into_another(desk: Desk) -> None:
    desk.absorbed, desk.kept = desk.kept, make_patient(desk.site)
    desk.merge()


@pytest.mark.parametrize(
    ("happened", "refusal"),
    [
        pytest.param(make_up_across, EpisodesTied, id="a session makes up for one of the other record"),
        pytest.param(use_a_place_of_the_other, PlaceOfOtherRecord, id="a commitment at a place of the other record"),
        pytest.param(merge_once_more, LaterMerge, id="a later merge into the same record"),
        pytest.param(merge_into_another, AlreadyMerged, id="the kept record was merged, too"),
        pytest.param(
            lambda desk: Patient.objects.filter(pk=desk.kept.pk).update(site=make_site_of(desk)),
            SiteChangedSince,
            id="moved to another site",
        ),
        pytest.param(lambda desk: desk.take_back(PatientMerge.objects.get()), MergeTakenBack, id="taken back already"),
    ],
)
def test_what_stands_against_taking_a_merge_back(desk: Desk, happened: Callable[[Desk], object], refusal: type) -> None:
    attend(desk.kept, desk.track, EARLIER, desk.coordinator, discharged=EARLIER + timedelta(days=7))
    attend(desk.absorbed, desk.track, MONDAY, desk.coordinator)
    make_place(desk.absorbed, {desk.site: (20, 30)})
    merge = desk.merge()
    happened(desk)
    assert reasons(partial(desk.take_back, PatientMerge.objects.get(pk=merge.pk))) == [refusal]


def make_site_of(desk: Desk) -> Site:
    site = make_site("Elm Road")
    RoleAssignment.objects.create(user=desk.coordinator, role=Role.COORDINATOR, site=site)
    desk.coordinator = User.objects.get(pk=desk.coordinator.pk)
    return site


def test_what_came_since_stays_and_what_belongs_to_a_moved_row_goes_back(desk: Desk) -> None:
    episode = attend(desk.absorbed, desk.track, MONDAY, desk.coordinator)
    make_consent(desk.absorbed, desk.coordinator)
    merge = desk.merge("email")
    kept = fresh(desk.kept)
    make_commitment(kept, [1], "13:00", "17:00")
    user = User.objects.create_user("ana@example.test")
    Delegate.objects.create(
        patient=kept, user=user, consent=Consent.objects.get(), since=NOW, given_by=desk.coordinator
    )
    Patient.objects.filter(pk=kept.pk).update(email="new@example.test", address="8 Main Street")
    session = make_session(desk.track.meetings.get(weekday=0), MONDAY + timedelta(days=7))
    book(session, episode.enrollments.get())
    desk.take_back(merge)

    kept, absorbed = fresh(desk.kept), fresh(desk.absorbed)
    assert (kept.email, kept.address) == ("new@example.test", "8 Main Street")
    assert (kept.commitments.count(), absorbed.commitments.count()) == (1, 0)
    assert absorbed.delegates.get().consent.patient == absorbed
    assert Booking.objects.of_patient(absorbed.pk).count() == 4


# At the same time


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_merge_the_same_records_one_succeeds() -> None:
    desk = make_desk()
    there, back = desk.arguments(), desk.arguments()
    back["kept"], back["absorbed"] = there["absorbed"], there["kept"]
    back["seen"] = plan_merge(kept=back["kept"], absorbed=back["absorbed"], by=desk.coordinator, now=NOW).key
    outcomes = at_the_same_time(partial(merge_records, **there), partial(merge_records, **back))
    assert sorted(map(str, outcomes)) == sorted(map(str, ["done", AlreadyMerged]))
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_that_is_added_while_records_are_merged() -> None:
    for _ in range(3):
        desk = make_desk()
        values = CommitmentValues(kind="work", label="Shift", starts=time(9), ends=time(17), weekdays=1)
        arguments = desk.arguments()

        def add(desk: Desk = desk, values: CommitmentValues = values) -> None:
            try:
                add_commitment(patient=desk.absorbed, values=values, by=desk.coordinator, now=NOW)
            except IntegrityError as error:
                assert GUARD in str(error)  # noqa: PT017

        at_the_same_time(partial(merge_records, **arguments), add)
        merged = fresh(desk.absorbed).merged_into is not None
        assert Commitment.objects.filter(patient=desk.absorbed).exists() == (
            not merged and Commitment.objects.filter(patient__in=[desk.kept, desk.absorbed]).exists()
        )


def test_the_database_adds_nothing_to_an_absorbed_record(desk: Desk) -> None:
    commitment = make_commitment(desk.absorbed, [1], "13:00", "17:00")
    desk.merge()
    with pytest.raises(IntegrityError, match=GUARD), transaction.atomic():
        make_commitment(desk.absorbed, [2], "13:00", "17:00")
    with pytest.raises(IntegrityError, match=GUARD), transaction.atomic():
        commitment.save()  # somebody read it before the merge
    assert Commitment.objects.get().patient == desk.kept
