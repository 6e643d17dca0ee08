"""A patient is transferred to another site. Past weeks stay with the old site.

Commitments stay at the same instants, even if the new site is in another time zone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from attendance.domain.ledger import PartialReason
from attendance.services.ledgers import recent_weeks
from attendance.services.marks import Mark, mark_booking
from attendance.services.roster import ANY
from attendance.services.weeks import week_report
from patients.models import Commitment, CommitmentProposal, Episode, FormerSite, Patient
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import Booking, Closure, Feed, Priority, RuleSet, Site, WaitingEntry
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.bookings.release import release_booking
from scheduling.services.documents.feeds import create_feed
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.site_transfer import (
    ProposalsPending,
    StillBooked,
    TimeZonesDiffer,
    preview_transfer,
    transfer_episode,
)
from scheduling.services.enrollment.waitlist import join_waitlist
from scheduling.services.reasons import NothingChanged
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_patient,
    make_place,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.integration.timetable.naive_model import all_rows
from timekeeping.reasons import EpisodeEnded, Refused

pytestmark = pytest.mark.django_db

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
SUNDAY_NOON = datetime(2026, 11, 22, 17, tzinfo=UTC)
LATER = SUNDAY_NOON + 3 * WEEK
TODAY = LATER.date()


@pytest.fixture(autouse=True)
def three_weeks_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def here() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def there() -> Site:
    return make_site("Pier Street")


@pytest.fixture
def by(here: Site, there: Site) -> User:
    """A user who is a coordinator at both sites."""
    user = make_staff(Role.COORDINATOR, here)
    RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=there)
    return user


@pytest.fixture
def episode(here: Site, there: Site, by: User) -> Episode:
    """Open episode of a patient who was enrolled at the old site for three weeks. The enrollment has ended."""
    track, _ = make_weekday_track(here, name="Here"), make_weekday_track(there, name="There")
    for site in (here, there):
        extend_horizon(site=site, now=SUNDAY_NOON)
    episode = admit(make_patient(here))
    enrollment = enroll_patient(
        episode=episode, track=track, meetings=list(track.meetings.all()), starts=MONDAY, by=by, now=SUNDAY_NOON
    )
    for booking in Booking.objects.filter(starts__lt=LATER):
        mark_booking(booking=booking, mark=Mark("present"), by=by, now=booking.ends, seen_at=ANY)
    end_enrollment(enrollment=enrollment, last_day=TODAY - 2 * DAY, by=by, now=LATER)
    return read(episode)


def read(episode: Episode) -> Episode:
    return Episode.objects.select_related("site", "patient__site").prefetch_related("spans").get(pk=episode.pk)


def move(episode: Episode, site: Site, by: User, now: datetime = LATER) -> Episode:
    transfer_episode(episode=episode, site=site, by=by, now=now)
    return read(episode)


def refusal(episode: Episode, site: Site, by: User, now: datetime = LATER) -> tuple[Any, ...]:
    before = [all_rows(), list(Episode.objects.values_list()), list(Patient.objects.values_list())]
    with pytest.raises(Refused) as refused:
        transfer_episode(episode=episode, site=site, by=by, now=now)
    assert [all_rows(), list(Episode.objects.values_list()), list(Patient.objects.values_list())] == before
    return refused.value.reasons


def enroll(episode: Episode, by: User, now: datetime = LATER) -> Any:
    track = episode.site.tracks.get()
    extend_horizon(site=episode.site, now=now)
    return enroll_patient(
        episode=episode, track=track, meetings=list(track.meetings.all()), starts=now.date() + DAY, by=by, now=now
    )


def test_a_transfer_needs_the_permission_at_the_new_site(episode: Episode, here: Site, there: Site) -> None:
    coordinator_here = make_staff(Role.COORDINATOR, here)
    for act in (transfer_episode, preview_transfer):
        with pytest.raises(PermissionDenied):
            act(episode=episode, site=there, by=coordinator_here, now=LATER)


def test_a_preview_is_refused_like_the_transfer(episode: Episode, there: Site, by: User) -> None:
    moved = move(episode, there, by)
    with pytest.raises(Refused) as refused:
        preview_transfer(episode=moved, site=there, by=by, now=LATER)
    assert refused.value.reasons == refusal(moved, there, by) == (NothingChanged(),)


def test_patient_and_episode_are_at_the_other_site_from_today(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    past = all_rows()
    moved = move(episode, there, by)
    assert (moved.site, moved.patient.site, moved.came_on) == (there, there, TODAY)
    former_site = moved.former_sites.get()
    assert (former_site.site, former_site.starts, former_site.ends) == (here, MONDAY, TODAY)
    assert all_rows() == past, "sessions, bookings and marks stay where they were"
    events = AuditEvent.objects.filter(subject_kind="episode", action="changed").order_by("pk")
    assert [(event.site_key, event.detail) for event in events] == [
        (here.pk, "moves to Pier Street"), (there.pk, f"moved from Harbor Street on {TODAY}")
    ]  # fmt: skip
    assert enroll(moved, by).bookings.filter(session__site=there).count() == 36


def test_enrollments_and_future_bookings_have_to_end_first(episode: Episode, here: Site, there: Site, by: User) -> None:
    enrollment = enroll(episode, by)
    assert refusal(episode, there, by) == (AlreadyEnrolled("Here", TODAY + DAY),)
    missed = release_booking(booking=enrollment.bookings.order_by("starts")[0], reason="Ill", by=by, now=LATER)
    end_enrollment(enrollment=enrollment, last_day=TODAY + DAY, by=by, now=LATER)
    session = enrollment.bookings.order_by("starts")[1].session
    book_makeup(session=session, makes_up=missed, by=by, now=LATER)
    after = LATER + 2 * DAY
    assert refusal(episode, there, by, now=after) == (StillBooked(session.name, session.on, 0),)
    assert move(episode, there, by, now=session.ends + DAY).site == there


def test_an_episode_that_is_over_or_already_at_the_site_is_refused(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    assert refusal(episode, here, by) == (NothingChanged(),)
    Episode.objects.update(ends=TODAY)
    assert refusal(read(episode), there, by) == (EpisodeEnded(TODAY - DAY),)


def test_an_episode_that_has_not_begun_leaves_no_former_site(here: Site, there: Site, by: User) -> None:
    moved = move(admit(make_patient(here), starts=TODAY + DAY), there, by)
    assert (moved.site, moved.came_on, moved.former_sites.count()) == (there, None, 0)


def test_an_episode_can_be_transferred_on_and_back(episode: Episode, here: Site, there: Site, by: User) -> None:
    move(episode, there, by)
    back = move(episode, here, by, now=LATER + 2 * DAY)
    again = move(back, there, by, now=LATER + 2 * DAY)
    sites = [again.site_on(day) for day in (MONDAY, TODAY - DAY, TODAY, TODAY + DAY, TODAY + 2 * DAY)]
    assert sites == [here, here, there, there, there]
    assert FormerSite.objects.count() == 2


def test_waitlist_entries_are_closed_and_feeds_become_stale(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    other = make_weekday_track(here, (1, 3, 5), name="Other")
    feed, _ = create_feed(patient=episode.patient, by=by, now=LATER - DAY)
    join_waitlist(episode=episode, track=other, priority=Priority.ROUTINE, from_day=TODAY, by=by, now=LATER)
    move(episode, there, by)
    entry = WaitingEntry.objects.get()
    assert (entry.closed_at, entry.close_reason) == (LATER, "Moved to another site")
    assert Feed.objects.get(pk=feed.pk).stale_at == LATER


def test_staff_see_the_patient_at_the_new_site_and_past_rosters_at_the_old_one(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    session = Booking.objects.order_by("starts")[0].session
    old_staff, new_staff = (make_staff(Role.COORDINATOR, site) for site in (here, there))
    chart = reverse("patient", args=[episode.patient_id])
    client = Client()

    def seen(user: User, page: str) -> int:
        client.force_login(user)
        return client.get(page).status_code

    assert (seen(old_staff, chart), seen(new_staff, chart)) == (200, 404)
    move(episode, there, by)
    assert (seen(old_staff, chart), seen(new_staff, chart)) == (404, 200)
    roster = reverse("session", args=[session.pk])
    assert (seen(old_staff, roster), seen(new_staff, roster)) == (200, 404)
    client.force_login(old_staff)
    assert "Rosa Lindqvist" in client.get(roster).text


# Weekly hours


def test_each_week_follows_the_rules_and_closures_of_the_site_at_that_time(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    """The new site starts its weeks on Sunday, and was closed in a week before the transfer."""
    RuleSet.objects.filter(site=there).update(starts=date(2020, 1, 5), week_starts=6)
    Closure.objects.create(site=there, starts=MONDAY, ends=MONDAY + WEEK, reason="Flood")
    Closure.objects.create(site=here, starts=MONDAY + WEEK, ends=MONDAY + 2 * WEEK, reason="Snow")
    tuesday = LATER + 2 * DAY
    moved = move(episode, there, by, now=tuesday)
    rows = recent_weeks(episode=moved, now=tuesday)
    assert [row.week for row in rows] == [date(2026, 12, 13), date(2026, 12, 7), date(2026, 11, 30), MONDAY]
    assert [sorted(row.ledger.partial) for row in rows] == [["move"], [], ["closure"], []]
    assert [row.ledger.credited_minutes for row in rows] == [0, 540, 540, 540]
    full = week_report(patient=moved.patient, day=MONDAY + DAY, now=tuesday)
    assert (full.site, full.week.start, len(full.bookings)) == (here, MONDAY, 3)
    full = week_report(patient=moved.patient, day=tuesday.date(), now=tuesday)
    assert (full.site, full.week.start) == (there, date(2026, 12, 13))
    assert full.row is not None
    assert full.row.ledger.partial == {PartialReason.MOVE}


def test_the_week_of_a_transfer_counts_sessions_at_both_sites(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    enrollment = enroll(episode, by)
    tuesday = LATER + 2 * DAY
    with time_machine.travel(tuesday, tick=False):
        monday = enrollment.bookings.order_by("starts")[0]
        mark_booking(booking=monday, mark=Mark("present"), by=by, now=monday.ends, seen_at=ANY)
        end_enrollment(enrollment=enrollment, last_day=TODAY + DAY, by=by, now=tuesday)
        moved = move(episode, there, by, now=tuesday)
        enroll(moved, by, now=tuesday)
        row = recent_weeks(episode=moved, now=tuesday)[0]
    assert (row.week, row.ledger.credited_minutes, row.ledger.scheduled_minutes) == (MONDAY + 3 * WEEK, 180, 540)
    assert row.ledger.partial == {PartialReason.MOVE}


def test_the_list_of_weeks_has_the_patients_who_were_at_the_site_then(
    episode: Episode, here: Site, there: Site, by: User, client: Client
) -> None:
    move(episode, there, by)
    client.force_login(by)
    found = {}
    for site in (here, there):
        client.post(reverse("site-switch"), {"site": site.code})
        for day in (MONDAY, TODAY + DAY):
            page = client.get(reverse("weeks"), {"week": day.isoformat()})
            found[site.name, day] = [row.ledger.credited_minutes for row in page.context["page"]]
    assert found == {
        ("Harbor Street", MONDAY): [540],
        ("Harbor Street", TODAY + DAY): [],
        ("Pier Street", MONDAY): [],
        ("Pier Street", TODAY + DAY): [0],
    }


# Time zones


@pytest.fixture
def west(by: User) -> Site:
    site = make_site("Prairie Avenue", "America/Chicago")
    RoleAssignment.objects.create(user=by, role=Role.COORDINATOR, site=site)
    return site


def stated(patient: Patient) -> list[tuple[Any, ...]]:
    rows = Commitment.objects.filter(patient=patient).order_by("label", "pk")
    return list(rows.values_list("label", "weekdays", "anchor", "on", "until", "starts", "ends", "valid_from"))


def test_commitments_are_converted_to_the_time_zone_of_the_new_site(episode: Episode, west: Site, by: User) -> None:
    patient = episode.patient
    make_commitment(patient, [0, 1], "09:00", "17:00", "A day shift")
    make_commitment(patient, [0, 6], "00:30", "06:00", "B nights", anchor=MONDAY, valid_from=MONDAY)
    make_commitment(patient, [], "00:15", "02:00", "C flight", on=TODAY + WEEK)
    make_commitment(patient, [4, 5], "00:00", "00:00", "D trips", on=TODAY, until=TODAY + 2 * WEEK)
    make_commitment(patient, [], "00:30", "02:00", "E round", anchor=TODAY, cycle_days=4, cycle_mask=3)
    make_commitment(patient, [0], "00:30", "02:00", "F over", valid_until=TODAY - WEEK)
    before = {each.label: each for each in patient.commitments.all()}
    moved = move(episode, west, by)
    sunday = MONDAY - DAY
    assert stated(moved.patient) == [
        ("A day shift", 0b11, None, None, None, time(8), time(16), None),
        ("B nights", 0b1000000, MONDAY - WEEK, None, None, time(23, 30), time(5), sunday),
        ("B nights", 0b0100000, MONDAY, None, None, time(23, 30), time(5), sunday),
        ("C flight", 0, None, TODAY + WEEK - DAY, None, time(23, 15), time(1), None),
        ("D trips", 0b0110000, None, TODAY, TODAY + 2 * WEEK, time(0), time(0), None),
        ("E round", 0, TODAY - DAY, None, None, time(23, 30), time(1), None),
        ("F over", 1, None, None, None, time(0, 30), time(2), None),
    ]
    back = move(moved, before["A day shift"].patient.site, by)
    assert [row for row in stated(back.patient) if row[0] != "B nights"] == [
        (each.label, each.weekdays, each.anchor, each.on, each.until, each.starts, each.ends, each.valid_from)
        for label, each in sorted(before.items())
        if label != "B nights"
    ]


def test_commitments_have_to_end_if_the_time_difference_changes(episode: Episode, by: User) -> None:
    phoenix = make_site("Camelback", "America/Phoenix")
    RoleAssignment.objects.create(user=by, role=Role.COORDINATOR, site=phoenix)
    commitment = make_commitment(episode.patient, [0], "09:00", "17:00")
    assert refusal(episode, phoenix, by) == (TimeZonesDiffer("Harbor Street", "Camelback"),)
    Commitment.objects.filter(pk=commitment.pk).update(valid_until=TODAY - DAY)
    assert move(episode, phoenix, by).site == phoenix


def test_proposals_have_to_be_decided_if_time_zones_differ(episode: Episode, west: Site, there: Site, by: User) -> None:
    CommitmentProposal.objects.create(patient=episode.patient, action="add", label="Shift", proposed_at=LATER)
    assert refusal(episode, west, by) == (ProposalsPending(1),)
    assert move(episode, there, by).site == there, "where the clock is the same it stays as it is"


# Page


@pytest.fixture
def desk(by: User, client: Client) -> Client:
    client.force_login(by)
    return client


def address(episode: Episode, query: str = "") -> str:
    return reverse("site-transfer", args=[episode.patient_id]) + query


def test_a_transfer_is_previewed_and_done_after_confirmation(
    desk: Client, episode: Episode, here: Site, there: Site, west: Site, by: User
) -> None:
    other = make_weekday_track(here, (1, 3, 5), name="Other")
    join_waitlist(episode=episode, track=other, priority=Priority.ROUTINE, from_day=TODAY, by=by, now=LATER)
    make_place(episode.patient, {here: (5, 5), there: (5, 5)})
    chart = desk.get(reverse("patient", args=[episode.patient_id])).text
    assert address(episode) in chart
    page = desk.get(address(episode, f"?to={west.pk}"))
    assert f'<option value="{west.pk}" selected>' in page.text
    assert {site for site, _ in page.context["sites"]} == {there.pk, west.pk}
    shown = desk.post(address(episode), {"site": west.pk}).text
    assert "Move Rosa from Harbor Street to Prairie Avenue?" in shown
    assert "comes off the waitlist for Other." in shown
    assert "There is no travel time to Prairie Avenue from Home." in shown
    assert "Prairie Avenue is in another time zone." in shown
    assert read(episode).site == here
    shown = desk.post(address(episode), {"site": there.pk}).text
    assert "No way to" not in shown
    assert "clocks" not in shown
    response = desk.post(
        address(episode),
        {"site": there.pk, "seen": there.pk, "next": reverse("find-schedule", args=[episode.patient_id])},
    )
    assert (response.status_code, response["Location"]) == (302, reverse("find-schedule", args=[episode.patient_id]))
    assert read(episode).site == there


def test_a_preview_of_one_site_does_not_confirm_another(
    desk: Client, episode: Episode, here: Site, there: Site, west: Site
) -> None:
    response = desk.post(address(episode), {"site": there.pk, "seen": west.pk})
    assert (response.status_code, read(episode).site) == (200, here)


def test_a_refused_transfer_shows_the_reason_and_keeps_the_input(
    desk: Client, episode: Episode, there: Site, by: User
) -> None:
    enroll(episode, by)
    for typed in ({"site": there.pk}, {"site": there.pk, "seen": there.pk}):
        response = desk.post(address(episode), typed)
        assert response.status_code == 422
        assert "The patient has been enrolled in Here since Mon, Dec 14. End that enrollment first." in response.text
        assert f'<option value="{there.pk}" selected>' in response.text


def test_a_site_whose_patients_the_user_does_not_manage_is_not_offered(
    episode: Episode, here: Site, there: Site, client: Client
) -> None:
    user = make_staff(Role.COORDINATOR, here)
    client.force_login(user)
    assert "No other site to move to" in client.get(address(episode)).text
    assert address(episode) not in client.get(reverse("patient", args=[episode.patient_id])).text
    assert client.post(address(episode), {"site": there.pk, "seen": there.pk}).status_code == 422
    for role, status in ((Role.REVIEWER, 403), (Role.CLINICIAN, 403)):
        client.force_login(make_staff(role, here))
        assert client.get(address(episode)).status_code == status
    client.force_login(make_staff(Role.COORDINATOR, there))
    assert client.get(address(episode)).status_code == 404


def test_without_an_episode_there_is_no_transfer_page(desk: Client, episode: Episode) -> None:
    Episode.objects.update(ends=TODAY)
    assert desk.get(address(episode)).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_as_many_queries_for_three_as_for_one(
    desk: Client, episode: Episode, by: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        site = make_site(f"Site {each}")
        RoleAssignment.objects.create(user=by, role=Role.COORDINATOR, site=site)
        make_place(episode.patient, {}, name=f"Place {each}")
    with django_assert_num_queries(14):
        assert desk.post(address(episode), {"site": site.pk}).status_code == 200
