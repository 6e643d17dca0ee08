"""A discharge is corrected or taken back. Afterward, everything is as if the mistake had never been made."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Action, AuditEvent
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import (
    Booking,
    DischargeRecord,
    Priority,
    ReleaseCause,
    Session,
    SessionStatus,
    TrackStatus,
    WaitingEntry,
)
from scheduling.services.bookings.release import release_booking
from scheduling.services.corrections.discharges import correct_discharge, take_back_discharge
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.individual_change import arrange_individual_sessions
from scheduling.services.enrollment.waitlist import join_waitlist
from tests.confirmation import preview_and_confirm, send_twice
from tests.factories import MONDAY, admit, make_hours, make_weekday_track
from tests.integration.corrections.history import DAY, WEEK, History, facts
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TUESDAY = MONDAY + DAY
FRIDAY = MONDAY + 4 * DAY
NEXT_WEDNESDAY = MONDAY + 9 * DAY


def in_care(**fields: Any) -> History:
    """Return a patient who was admitted and enrolled on Monday. It is Tuesday evening."""
    history = History(**fields)
    history.admit()
    history.enroll()
    history.live_until(TUESDAY)
    return history


def discharge(history: History, last_day: date = TUESDAY, reason: str = "") -> None:
    discharge_patient(episode=history.episode, last_day=last_day, reason=reason, **history.said)


def take_back(history: History) -> list[str]:
    left_out = take_back_discharge(episode=history.episode, reason="The wrong patient", **history.said)
    return [reason.code for reason in left_out]


def correct(history: History, last_day: date, discharge_reason: str = "") -> list[str]:
    left_out = correct_discharge(
        episode=history.episode,
        last_day=last_day,
        discharge_reason=discharge_reason,
        reason="A typo",
        **history.said,
    )
    return [reason.code for reason in left_out]


def refused_codes(act: Any, *args: Any) -> list[str]:
    with pytest.raises(Refused) as refused:
        act(*args)
    return [reason.code for reason in refused.value.reasons]


def test_a_discharge_taken_back_at_once_leaves_everything_as_before() -> None:
    history = in_care()
    before, rows = facts(history), Booking.objects.count()

    discharge(history)
    assert facts(history)["booked"] == before["booked"][:1]
    assert take_back(history) == []

    assert facts(history) == before
    assert Booking.objects.count() == rows
    assert not DischargeRecord.objects.exists()


def test_a_discharge_before_recorded_attendance_is_refused() -> None:
    history = in_care()
    history.attend(MONDAY)

    with pytest.raises(Refused) as refused:
        discharge(history, MONDAY - DAY)
    assert [reason.code for reason in refused.value.reasons] == ["end_date_before_start"]

    history.live_until(MONDAY + 2 * DAY)
    history.attend(MONDAY + 2 * DAY)
    with pytest.raises(Refused) as refused:
        discharge(history, TUESDAY)
    (reason,) = refused.value.reasons
    assert (reason.code, getattr(reason, "dates", None)) == ("attended_after", (MONDAY + 2 * DAY,))
    assert history.episode.ends is None

    client = Client()
    client.force_login(history.by)
    with time_machine.travel(history.now, tick=False):
        page = client.post(reverse("episode-end", args=[history.patient.pk]), {"last_day": str(TUESDAY)})
    assert page.context["form"].errors["last_day"] == ["Attendance is recorded after that day: Wed, Nov 25."]
    discharge(history, MONDAY + 2 * DAY)


def test_sessions_that_passed_and_sessions_written_since_are_booked_again() -> None:
    history, right = in_care(), in_care()
    discharge(history)
    for each in (history, right):
        each.live_until(NEXT_WEDNESDAY)

    assert take_back(history) == []

    mine, theirs = facts(history), facts(right)
    for facet in ("booked", "meetings", "weeks", "calendar", "episodes"):
        assert [row[1:] if facet == "booked" else row for row in mine[facet]] == [
            row[1:] if facet == "booked" else row for row in theirs[facet]
        ]


def test_a_planned_end_and_later_levels_come_back() -> None:
    history = in_care()
    end_enrollment(enrollment=history.enrollment, last_day=MONDAY + 4 * WEEK, **history.said)
    history.episode.spans.update(ends=MONDAY + 2 * WEEK)
    history.episode.spans.create(
        level="2.5", prescribed_minutes=1200, prescribed_days=5, starts=MONDAY + 2 * WEEK, stated_by="Dr. Cole"
    )
    before = facts(history)

    discharge(history)
    take_back(history)

    assert facts(history) == before


def test_spots_that_were_given_up_stay_given_up() -> None:
    history = in_care()
    booking = Booking.objects.active().get(session__on=FRIDAY)
    release_booking(booking=booking, reason="Dentist", **history.said)
    before = facts(history)

    discharge(history)
    take_back(history)

    assert facts(history) == before


def test_a_full_session_is_left_out_and_named() -> None:
    history = in_care()
    discharge(history)
    history.fill(FRIDAY)

    assert take_back(history) == ["session_full"]

    assert not Booking.objects.active().filter(session__on=FRIDAY).exists()
    assert Booking.objects.active().filter(session__on=FRIDAY + WEEK).exists()


def test_a_held_session_is_left_out_and_named() -> None:
    history = in_care()
    discharge(history)
    Session.objects.filter(on=FRIDAY).update(status=SessionStatus.HELD)

    assert take_back(history) == ["held_without_patient"]


def test_an_enrollment_in_a_track_that_is_no_longer_open_stays_ended() -> None:
    history = in_care()
    discharge(history)
    type(history.track).objects.update(status=TrackStatus.RETIRED)

    assert take_back(history) == ["enrollment_stays_ended"]

    assert history.enrollment.end_reason == "Discharged"
    assert history.episode.ends is None


def test_a_wait_goes_on_in_the_same_place() -> None:
    history = in_care()
    other = make_weekday_track(history.site, (1, 3), name="Evenings")
    entry = join_waitlist(episode=history.episode, track=other, priority=Priority.SOON, from_day=FRIDAY, **history.said)

    discharge(history)
    assert not WaitingEntry.objects.open().exists()
    take_back(history)

    assert WaitingEntry.objects.open().get().requested_at == entry.requested_at


def test_individual_sessions_are_arranged_at_the_same_hours_again() -> None:
    history = in_care(individual_minutes=60)
    make_hours(history.lead, history.site, 1, "09:00", "12:00")
    hour = WeeklyHour(counselor=history.lead.pk, weekday=1, starts=600, ends=660)
    arrange_individual_sessions(enrollment=history.enrollment, hours=[hour], from_day=TUESDAY + DAY, **history.said)
    before = facts(history)["booked"]

    discharge(history)
    assert take_back(history) == []
    assert facts(history)["booked"] == before

    discharge(history)
    history.lead.is_active = False
    history.lead.save()
    assert take_back(history) == ["individual_time_taken"]


def test_a_discharge_from_before_the_product_remembered_what_it_ends_is_taken_back_too() -> None:
    history = in_care()
    before = facts(history)

    discharge(history)
    DischargeRecord.objects.all().delete()
    take_back(history)

    assert facts(history) == before


@pytest.mark.parametrize("last_day", [MONDAY, TUESDAY, FRIDAY, NEXT_WEDNESDAY], ids=str)
@pytest.mark.parametrize("mistake", [MONDAY, TUESDAY, FRIDAY + WEEK], ids=str)
def test_a_corrected_discharge_is_the_same_as_the_right_one(mistake: date, last_day: date) -> None:
    history, right = in_care(), in_care()
    discharge(right, last_day, "Completed")

    discharge(history, mistake, "Completed")
    if mistake == last_day:
        assert refused_codes(correct, history, last_day, "Completed") == ["nothing_changed"]
        return
    correct(history, last_day, "Completed")

    mine, theirs = facts(history), facts(right)
    assert [row[1:] for row in mine.pop("booked")] == [row[1:] for row in theirs.pop("booked")]
    assert [row[1:] for row in mine.pop("enrollments")] == [row[1:] for row in theirs.pop("enrollments")]
    assert mine == theirs


def test_a_discharge_is_not_corrected_to_before_recorded_attendance() -> None:
    history = in_care()
    history.live_until(FRIDAY)
    history.attend(FRIDAY)
    discharge(history, FRIDAY)

    assert refused_codes(correct, history, TUESDAY) == ["attended_after"]


def test_a_discharge_stays_once_the_patient_is_admitted_again() -> None:
    history = in_care()
    discharge(history)
    admit(history.patient, FRIDAY)
    episode = Episode.objects.earliest("starts")

    with pytest.raises(Refused) as refused:
        take_back_discharge(episode=episode, reason="A typo", **history.said)
    assert [reason.code for reason in refused.value.reasons] == ["admitted_since"]
    with pytest.raises(Refused) as refused:
        correct_discharge(episode=episode, last_day=FRIDAY, discharge_reason="", reason="A typo", **history.said)
    assert [reason.code for reason in refused.value.reasons] == ["admitted_since"]
    correct_discharge(episode=episode, last_day=FRIDAY - DAY, discharge_reason="", reason="A typo", **history.said)


def test_the_trail_has_the_values_before_and_after() -> None:
    history = in_care()
    discharge(history, reason="Moved away")

    take_back(history)

    event = AuditEvent.objects.get(action=Action.CORRECTED)
    assert event.detail == "last day 2026-11-24 → none; discharge reason Moved away → none"
    assert event.reason == "The wrong patient"
    assert event.patient_key == history.patient.pk


# Pages


@pytest.fixture
def evening() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 23, tzinfo=UTC), tick=False):
        yield


@pytest.mark.usefixtures("evening")
def test_a_discharge_is_taken_back_on_a_page_that_says_what_comes_back_and_what_does_not() -> None:
    history = in_care()
    discharge(history)
    history.fill(FRIDAY)
    client = Client()
    client.force_login(history.by)
    chart = client.get(reverse("patient", args=[history.patient.pk])).text
    assert reverse("discharge-correct", args=[history.episode.pk]) in chart

    shown = preview_and_confirm(
        client, reverse("discharge-take-back", args=[history.episode.pk]), {"reason": "The wrong patient"}
    )

    assert "1 patient gains" in shown.text
    assert "is full" in shown.context["notes"][0]
    assert shown.context["notes"][0] in shown.text
    assert history.episode.ends is None
    assert "The wrong patient" in client.get(reverse("patient", args=[history.patient.pk])).text


@pytest.mark.usefixtures("evening")
def test_a_discharge_is_corrected_on_a_page_with_the_weeks_that_change() -> None:
    history = in_care()
    discharge(history)
    client = Client()
    client.force_login(history.by)
    address = reverse("discharge-correct", args=[history.episode.pk])
    assert client.get(address).context["form"]["last_day"].value() == TUESDAY

    typed = {"last_day": str(MONDAY - DAY), "discharge_reason": "Completed", "reason": "A typo"}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    preview_and_confirm(client, address, typed | {"last_day": str(NEXT_WEDNESDAY)})

    assert history.episode.last_day == NEXT_WEDNESDAY
    assert Booking.objects.active().filter(session__on=FRIDAY).exists()
    assert not Booking.objects.filter(release_cause=ReleaseCause.ENDED, session__on__lte=NEXT_WEDNESDAY).exists()


@pytest.mark.usefixtures("evening")
def test_an_open_episode_has_no_discharge_to_correct() -> None:
    history = in_care()
    client = Client()
    client.force_login(history.by)

    for name in ("discharge-correct", "discharge-take-back"):
        assert client.get(reverse(name, args=[history.episode.pk])).status_code == 404


@pytest.mark.usefixtures("evening")
@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("discharge-correct", {"last_day": "2026-12-02"}, "This change is already saved."),
        ("discharge-take-back", {}, "The discharge is already taken back."),
    ],
)
def test_a_correction_that_is_sent_twice_leads_to_the_chart(name: str, typed: dict[str, str], sentence: str) -> None:
    history = in_care()
    discharge(history)
    client = Client()
    client.force_login(history.by)

    again = send_twice(client, reverse(name, args=[history.episode.pk]), typed | {"reason": "A typo"})

    assert again.redirect_chain == [(reverse("patient", args=[history.patient.pk]), 302)]
    assert sentence in again.text
    assert AuditEvent.objects.filter(action=Action.CORRECTED).count() == 1
