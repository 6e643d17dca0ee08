"""An admission is corrected or taken back. Afterward, everything is as if the mistake had never been made."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from attendance.services.leaves import add_leave
from patients.models import Consent, Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Booking, Enrollment, Letter, Meeting, Priority, Session, WaitingEntry
from scheduling.services.corrections.admissions import correct_admission, take_back_admission
from scheduling.services.corrections.discharges import take_back_discharge
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.individual_change import arrange_individual_sessions
from scheduling.services.enrollment.waitlist import join_waitlist
from tests.confirmation import preview_and_confirm, send_twice
from tests.factories import MONDAY, admit, make_hours, make_site, make_staff, make_weekday_track
from tests.integration.corrections.history import DAY, WEEK, History, facts
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TUESDAY = MONDAY + DAY
WEDNESDAY = MONDAY + 2 * DAY
NEXT_MONDAY = MONDAY + WEEK


def in_care(admitted: date = MONDAY, enrolled: date = MONDAY, **fields: Any) -> History:
    history = History(**fields)
    history.admit(admitted)
    history.enroll(enrolled)
    history.live_until(TUESDAY)
    return history


def correct(history: History, starts: date, **fields: Any) -> None:
    given = {"starts": starts, "referral_source": "", "reason": "A typo"}
    correct_admission(episode=history.episode, **given | fields, **history.said)


def take_back(history: History) -> None:
    take_back_admission(episode=history.episode, reason="The wrong person", **history.said)


def refused_codes(act: Any, *args: Any) -> list[str]:
    with pytest.raises(Refused) as refused:
        act(*args)
    return [reason.code for reason in refused.value.reasons]


def assert_same(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Compare the facts about two patients of two clinics, apart from the names of tracks and groups."""
    for facet in ("booked", "enrollments", "waits"):
        assert [row[1:] for row in mine.pop(facet)] == [row[1:] for row in theirs.pop(facet)], facet
    assert mine == theirs


@pytest.mark.parametrize(
    ("mistake", "starts", "enrolled"),
    [
        pytest.param(MONDAY, MONDAY - WEEK, MONDAY, id="a week earlier"),
        pytest.param(MONDAY - 3 * WEEK, MONDAY - DAY, MONDAY, id="later, before the enrollment"),
        pytest.param(MONDAY, WEDNESDAY, WEDNESDAY, id="later, after a session"),
        pytest.param(MONDAY, NEXT_MONDAY, NEXT_MONDAY, id="next week"),
    ],
)
def test_a_corrected_admission_is_the_same_as_the_right_one(mistake: date, starts: date, enrolled: date) -> None:
    history, right = in_care(mistake), in_care(starts, enrolled)

    correct(history, starts)

    assert_same(facts(history), facts(right))


def test_individual_sessions_begin_later_too() -> None:
    histories = []
    for first in (MONDAY, NEXT_MONDAY):
        history = in_care(first, first, individual_minutes=60)
        make_hours(history.lead, history.site, 3, "09:00", "12:00")
        hour = WeeklyHour(counselor=history.lead.pk, weekday=3, starts=600, ends=660)
        enrollment = history.enrollment
        arrange_individual_sessions(enrollment=enrollment, hours=[hour], from_day=max(first, WEDNESDAY), **history.said)
        histories.append(history)

    correct(histories[0], NEXT_MONDAY)

    assert_same(facts(histories[0]), facts(histories[1]))
    kept = Session.objects.filter(site=histories[0].site, meeting__kept_for__isnull=False)
    assert kept.earliest("on").on == NEXT_MONDAY + 3 * DAY


def test_a_wait_cannot_start_before_the_corrected_admission() -> None:
    history = in_care()
    other = make_weekday_track(history.site, (1, 3), name="Evenings")
    join_waitlist(episode=history.episode, track=other, priority=Priority.SOON, from_day=TUESDAY, **history.said)

    correct(history, NEXT_MONDAY)

    assert WaitingEntry.objects.get().from_day == NEXT_MONDAY


def test_the_referral_source_alone_is_corrected_and_audited() -> None:
    history = in_care()

    correct(history, MONDAY, referral_source="Harbor House")

    assert history.episode.referral_source == "Harbor House"
    event = AuditEvent.objects.get(action=Action.CORRECTED)
    assert (event.detail, event.reason) == ("referral source none → Harbor House", "A typo")
    assert refused_codes(lambda: correct(history, MONDAY, referral_source="Harbor House")) == ["nothing_changed"]


def test_attendance_before_the_new_first_day_is_named() -> None:
    history = in_care()
    history.attend(MONDAY)

    with pytest.raises(Refused) as refused:
        correct(history, WEDNESDAY)

    (reason,) = refused.value.reasons
    assert (reason.code, getattr(reason, "dates", None)) == ("attended_before", (MONDAY,))
    assert history.episode.starts == MONDAY


def test_an_admission_before_birth_or_in_another_episode_is_refused() -> None:
    history = in_care()
    other = admit(history.patient, MONDAY - 8 * WEEK) if not Episode.objects.filter(ends=None) else None
    assert other is None
    Episode.objects.create(patient=history.patient, site=history.site, starts=MONDAY - 8 * WEEK, ends=MONDAY - 4 * WEEK)
    episode = Episode.objects.get(ends=None)

    for starts, expected in ((MONDAY - 5 * WEEK, "overlaps_episode"), (date(1980, 1, 1), "before_birth")):
        with pytest.raises(Refused) as refused:
            correct_admission(episode=episode, starts=starts, referral_source="", reason="A typo", **history.said)
        assert expected in [reason.code for reason in refused.value.reasons]
    correct_admission(episode=episode, starts=MONDAY - 4 * WEEK, referral_source="", reason="A typo", **history.said)


def test_an_admission_after_what_was_recorded_is_refused() -> None:
    history = in_care()
    discharge_patient(episode=history.episode, last_day=WEDNESDAY, reason="", **history.said)
    assert refused_codes(correct, history, WEDNESDAY + DAY) == ["episode_ended"]
    take_back_discharge(episode=history.episode, reason="A typo", **history.said)

    history.episode.spans.update(ends=WEDNESDAY)
    history.episode.spans.create(
        level="2.5", prescribed_minutes=1200, prescribed_days=5, starts=WEDNESDAY, stated_by="Dr. Cole"
    )
    Enrollment.objects.update(ends=WEDNESDAY)
    assert refused_codes(correct, history, WEDNESDAY) == ["level_began", "enrolled_before"]


# Taking an admission back


def test_an_admission_of_the_wrong_person_is_taken_back_without_a_trace_in_the_timetable() -> None:
    history = History(individual_minutes=60)
    before = list(Session.objects.order_by("starts").values_list("starts", "booked", "status"))
    history.admit(WEDNESDAY)
    make_hours(history.lead, history.site, 3, "09:00", "12:00")
    history.enroll(WEDNESDAY)
    hour = WeeklyHour(counselor=history.lead.pk, weekday=3, starts=600, ends=660)
    arrange_individual_sessions(enrollment=history.enrollment, hours=[hour], from_day=WEDNESDAY, **history.said)
    other = make_weekday_track(history.site, (1, 3), name="Evenings")
    join_waitlist(episode=history.episode, track=other, priority=Priority.SOON, from_day=WEDNESDAY, **history.said)

    take_back(history)

    assert facts(history) == facts(History()) | {"calendar": []}
    for model in (Episode, Enrollment, Booking, WaitingEntry):
        assert not model._default_manager.exists()
    assert not Meeting.objects.exclude(kept_for=None).exists()
    assert (
        list(Session.objects.filter(site=history.site).order_by("starts").values_list("starts", "booked", "status"))
        == before
    )
    event = AuditEvent.objects.get(action=Action.CORRECTED)
    assert event.detail.startswith(
        "admission taken back: first day 2026-11-25; level 2.1 from 2026-11-25; Morning track"
    )
    assert event.reason == "The wrong person"


def test_a_session_that_has_passed_keeps_the_admission() -> None:
    history = in_care()

    assert refused_codes(take_back, history) == ["attended_in_episode"]


def test_a_letter_or_a_leave_keeps_the_admission() -> None:
    history = in_care(WEDNESDAY, WEDNESDAY)
    consent = Consent.objects.create(
        patient=history.patient,
        recipient="Harbor Bakery",
        recipient_kind="employer",
        purpose="Time off work",
        signed_on=MONDAY,
        valid_until=NEXT_MONDAY,
        recorded_by=history.by,
    )
    Letter.objects.create(
        consent=consent, starts=MONDAY, ends=NEXT_MONDAY, written_at=history.now, written_by=history.by
    )
    add_leave(episode=history.episode, first_day=NEXT_MONDAY, last_day=NEXT_MONDAY, reason="Surgery", **history.said)

    assert refused_codes(take_back, history) == ["attended_in_episode", "letters_written", "leave_entered"]


# Pages


@pytest.fixture
def evening() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 23, tzinfo=UTC), tick=False):
        yield


@pytest.mark.usefixtures("evening")
def test_an_admission_is_corrected_on_a_page_with_the_bookings_and_weeks_that_change() -> None:
    history = in_care()
    client = Client()
    client.force_login(history.by)
    address = reverse("admission-correct", args=[history.episode.pk])
    typed = {"starts": str(MONDAY - 2 * WEEK), "referral_source": "Harbor House", "reason": "A typo"}
    assert address in client.get(reverse("patient", args=[history.patient.pk])).text

    earlier = preview_and_confirm(client, address, typed)
    assert [each.week for each in earlier.context["impact"].weeks] == [MONDAY - 2 * WEEK, MONDAY - WEEK]
    assert "Not in care" in earlier.text
    assert "The enrollment in Morning track still begins on Mon, Nov 23" in earlier.text
    later = preview_and_confirm(client, address, typed | {"starts": str(WEDNESDAY)})
    assert "1 patient loses a session" in later.text
    assert re.search(r"Morning track begins on Wed, Nov 25[^.]* instead of Mon, Nov 23[^.]*\.", later.text)

    assert history.episode.starts == WEDNESDAY
    assert history.enrollment.starts == WEDNESDAY
    chart = client.get(reverse("patient", args=[history.patient.pk])).text
    assert "first day 2026-11-09 → 2026-11-25" in chart
    assert "first day in Morning track 2026-11-23 → 2026-11-25" in chart


@pytest.mark.usefixtures("evening")
def test_an_admission_is_taken_back_on_a_page_that_names_what_is_removed() -> None:
    history = in_care(WEDNESDAY, WEDNESDAY)
    client = Client()
    client.force_login(history.by)

    address = reverse("admission-take-back", args=[history.episode.pk])
    shown = preview_and_confirm(client, address, {"reason": "The wrong person"})

    assert "The enrollment in Morning track is removed." in shown.text
    assert not Episode.objects.exists()
    assert "admission taken back" in client.get(reverse("patient", args=[history.patient.pk])).text


@pytest.mark.usefixtures("evening")
@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("admission-correct", {"starts": "2026-11-25"}, "This change is already saved."),
        ("admission-take-back", {}, "The admission is already taken back."),
    ],
)
def test_a_correction_that_is_sent_twice_leads_to_the_chart(name: str, typed: dict[str, str], sentence: str) -> None:
    history = in_care(WEDNESDAY + DAY, WEDNESDAY + DAY)
    client, other = Client(), Client()
    client.force_login(history.by)
    other.force_login(make_staff(Role.COORDINATOR, make_site()))
    address = reverse(name, args=[history.episode.pk])

    again = send_twice(client, address, typed | {"reason": "A typo"})

    assert again.redirect_chain == [(reverse("patient", args=[history.patient.pk]), 302)]
    assert sentence in again.text
    assert AuditEvent.objects.filter(action=Action.CORRECTED).count() == 1
    assert other.post(address, typed | {"reason": "A typo"}).status_code == 404


@pytest.mark.usefixtures("evening")
def test_a_page_about_an_episode_that_was_taken_back_is_gone_but_its_form_leads_to_the_chart() -> None:
    history = in_care(WEDNESDAY, WEDNESDAY)
    client = Client()
    client.force_login(history.by)
    names = ("admission-correct", "admission-take-back", "discharge-correct", "discharge-take-back")
    addresses = [reverse(name, args=[history.episode.pk]) for name in names]
    take_back(history)

    for address in addresses:
        assert client.get(address).status_code == 404
        assert client.post(address, {"reason": "A typo"}).url == reverse("patient", args=[history.patient.pk])  # type: ignore[attr-defined]
    assert client.post(reverse(names[0], args=[10**6]), {"reason": "A typo"}).status_code == 404
