"""The pages to change or end a meeting. They show who is affected, and ask whether to keep sessions changed by hand."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Meeting, Session, SessionStatus, Site
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import (
    OneOffSession,
    Staffing,
    add_session,
    assign_staff,
    change_session_details,
    move_session,
)
from scheduling.services.sessions.slots import Slot
from tests.confirmation import impact_key
from tests.factories import MONDAY, admit, make_meeting, make_patient, make_room, make_site, make_staff, make_track
from tests.page_reader import with_dots

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


class Clinic:
    """A clinic with a patient in groups on three days, a second room, and a second clinician."""

    def __init__(self, now: datetime = NOW) -> None:
        self.site: Site = make_site()
        self.coordinator: User = make_staff(Role.COORDINATOR, self.site)
        self.ada, self.ben = (make_staff(Role.CLINICIAN, self.site, name) for name in ("Ada Park", "Ben Strand"))
        self.room, self.den = make_room(self.site, name="Garden"), make_room(self.site, places=4, name="Den")
        groups = [
            make_meeting(self.site, day, lead=self.ada, room=self.room, name="Skills", code=f"S{day}")
            for day in (0, 2, 4)
        ]
        self.track = make_track(self.site, groups)
        extend_horizon(site=self.site, now=now)
        self.patient = make_patient(self.site)
        enroll_patient(
            episode=admit(self.patient), track=self.track, meetings=groups, starts=MONDAY, by=self.coordinator, now=now
        )

    @property
    def monday(self) -> Meeting:
        return self.track.meetings.filter(weekday=0).order_by("runs_from")[0]

    def on(self, day: date) -> Session:
        return Session.objects.get(site=self.site, name="Skills", pattern_date=day)

    def cancel(self, day: date, reason: str = "Ill") -> Session:
        return cancel_session(session=self.on(day), reason=reason, by=self.coordinator, now=NOW)

    def move(self, day: date, starts: time, ends: time, **slot: Any) -> Session:
        new_slot = Slot(on=slot.pop("on", day), starts=starts, ends=ends, room=slot.pop("room", self.room))
        return move_session(session=self.on(day), slot=new_slot, by=self.coordinator, now=NOW)

    def typed(self, **otherwise: Any) -> dict[str, Any]:
        """Return the form data that changes the Monday group from the second Monday on."""
        meeting = self.monday
        return {
            "code": meeting.code, "name": meeting.name, "weekday": 0, "starts": "09:00", "ends": "12:00", "every": "every",
            "service_type": meeting.service_type_id, "modality": "in_person", "places": 10, "room": self.room.pk,
            "lead": self.ada.pk, "tracks": [self.track.pk], "runs_from": "2026-11-30",
        } | otherwise  # fmt: skip

    @property
    def page(self) -> str:
        return reverse("meeting-edit", args=[self.monday.pk])


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, client: Client) -> Clinic:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    made = Clinic()
    client.force_login(made.coordinator)
    return made


def shown_in(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'name="shown" value="(\d+)"', page)]


LATER = {"starts": "13:00", "ends": "16:00"}


def test_a_change_is_previewed_and_made_once_it_is_confirmed(client: Client, clinic: Clinic) -> None:
    shown = client.post(clinic.page, clinic.typed(**LATER))
    assert shown.status_code == 200
    assert "1 patient moves to another time" in shown.text
    assert "Moved: “Skills” · Monday 9:00 AM–12:00 PM → 1:00–4:00 PM · 11 times from Mon, Nov 30" in with_dots(
        shown.text
    )
    assert 'value="13:00"' in shown.text
    assert clinic.monday.runs_until is None
    response = client.post(clinic.page, clinic.typed(**LATER, seen=impact_key(shown.text)), follow=True)
    assert response.redirect_chain[0][0] == reverse("track", args=[clinic.track.pk])
    assert "Skills changes from Mon, Nov 30." in response.text
    assert clinic.monday.runs_until == MONDAY + WEEK
    held = Session.objects.get(on=MONDAY + WEEK, status=SessionStatus.SCHEDULED)
    assert held.local_starts().time() == time(13)


def test_a_change_that_affects_nobody_is_made_at_once(client: Client, clinic: Clinic) -> None:
    extra = make_meeting(clinic.site, 1, name="Extra", code="X")
    clinic.track.meetings.add(extra)
    typed = clinic.typed(code="X", name="Extra", weekday=1, starts="10:00", runs_from="2026-11-24")
    assert client.post(reverse("meeting-edit", args=[extra.pk]), typed).status_code == 302
    assert Meeting.objects.filter(code="X", starts=time(10)).exists()


def test_the_form_starts_with_the_first_day_that_can_be_changed(
    client: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'name="runs_from" value="2026-01-05"' in client.get(clinic.page).text, "nothing has been held yet"
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 15, tzinfo=UTC))
    client.force_login(clinic.coordinator)
    page = client.get(clinic.page).text
    assert 'name="runs_from" value="2026-11-24"' in page
    shown = client.post(clinic.page, clinic.typed(**LATER, runs_from="2026-11-01"))
    assert "The change starts on Tue, Nov 24. Earlier sessions do not change." in shown.text


def test_sessions_changed_by_hand_are_listed_with_their_changes(client: Client, clinic: Clinic) -> None:
    clinic.cancel(MONDAY + WEEK)
    clinic.move(MONDAY + 2 * WEEK, time(14), time(17), on=MONDAY + 2 * WEEK + DAY)
    clinic.move(MONDAY + 3 * WEEK, time(9), time(12), room=None)
    assign_staff(
        session=clinic.on(MONDAY + 4 * WEEK),
        staffing=Staffing(lead=clinic.ben, assistants=(clinic.ada,)),
        by=clinic.coordinator,
        now=NOW,
    )
    change_session_details(
        session=clinic.move(MONDAY + 5 * WEEK, time(10), time(12), room=clinic.room), places=3, modality="either",
        topic="", telehealth_link="", by=clinic.coordinator, now=NOW,
    )  # fmt: skip
    assign_staff(session=clinic.on(MONDAY + 6 * WEEK), staffing=Staffing(), by=clinic.coordinator, now=NOW)
    restore_session(session=clinic.cancel(MONDAY + 7 * WEEK), by=clinic.coordinator, now=NOW)
    page = client.get(clinic.page).text
    for words in (
        "Keep Mon, Nov 30: canceled (Ill)",
        "Keep Mon, Dec 7: moved to Tue, Dec 8, 2:00–5:00 PM",
        "Keep Mon, Dec 14: no room",
        "Keep Mon, Dec 21: Ben Strand leads; Ada Park assists",
        "Keep Mon, Dec 28: moved to 10:00 AM–12:00 PM; 3 spots; different topic, link or format",
        "Keep Mon, Jan 4, 2027: nobody leads",
        "Keep Mon, Jan 11, 2027: same as the group",
    ):
        assert words in re.sub(r"\s+", " ", page)
    assert page.count(" checked") - page.count('name="tracks"') == 7


def test_one_changed_session_is_kept_and_one_is_dropped(client: Client, clinic: Clinic) -> None:
    kept, dropped = clinic.cancel(MONDAY + WEEK), clinic.cancel(MONDAY + 2 * WEEK)
    typed = clinic.typed(**LATER, shown=[kept.pk, dropped.pk], keep=[kept.pk])
    shown = client.post(clinic.page, typed)
    assert "Gains “Skills” · Mon, Dec 7, 1:00–4:00 PM" in with_dots(shown.text)
    page = re.sub(r"\s+", " ", shown.text)
    assert f'id="keep-{kept.pk}" checked' in page
    assert f'id="keep-{dropped.pk}">' in page
    assert client.post(clinic.page, typed | {"seen": impact_key(shown.text)}).status_code == 302
    kept.refresh_from_db()
    assert (kept.status, kept.meeting) == (SessionStatus.CANCELLED, clinic.track.meetings.get(starts=time(13)))
    held = Session.objects.get(on=MONDAY + 2 * WEEK, status=SessionStatus.SCHEDULED)
    assert (held.local_starts().time(), held.booked) == (time(13), 1)


def test_changed_sessions_are_shown_again_for_another_date(client: Client, clinic: Clinic) -> None:
    early, late = clinic.cancel(MONDAY + WEEK), clinic.cancel(MONDAY + 3 * WEEK)
    shown = client.post(clinic.page, clinic.typed(**LATER, runs_from="2026-12-07"))
    assert shown_in(shown.text) == [late.pk]
    confirmed = clinic.typed(**LATER, shown=[late.pk], keep=[late.pk], seen=impact_key(shown.text))
    shown_again = client.post(clinic.page, confirmed)
    assert shown_again.status_code == 200
    assert shown_in(shown_again.text) == [early.pk, late.pk]
    assert "Sessions changed by hand, from Mon, Nov 30" in shown_again.text
    assert clinic.monday.runs_until is None
    response = client.post(
        clinic.page, confirmed | {"shown": [early.pk, late.pk], "keep": [late.pk], "seen": impact_key(shown_again.text)}
    )
    assert "Something changed after you looked" in response.text, "one of them is let go now, which was not shown"
    confirmed |= {"shown": [early.pk, late.pk], "keep": [late.pk], "seen": impact_key(response.text)}
    assert client.post(clinic.page, confirmed).status_code == 302
    assert Session.objects.get(on=MONDAY + WEEK, status=SessionStatus.SCHEDULED).booked == 1


def test_a_change_that_affects_nobody_waits_until_changed_sessions_were_shown(client: Client, clinic: Clinic) -> None:
    exception = clinic.cancel(MONDAY + WEEK)
    typed = clinic.typed(name="Coping skills")
    shown = client.post(clinic.page, typed)
    assert shown_in(shown.text) == [exception.pk]
    assert not Meeting.objects.filter(name="Coping skills").exists()


@pytest.mark.parametrize("nonsense", ["²", "-1", "x", "9" * 40, "\x00"])
def test_invalid_ids_of_changed_sessions_are_ignored(client: Client, clinic: Clinic, nonsense: str) -> None:
    exception = clinic.cancel(MONDAY + WEEK)
    shown = client.post(clinic.page, clinic.typed(**LATER, shown=[nonsense], keep=[nonsense]))
    assert shown_in(shown.text) == [exception.pk]
    assert "checked" in shown.text.partition(f'id="keep-{exception.pk}"')[2][:20]


def test_changed_sessions_become_one_off_sessions_when_their_meeting_ends(client: Client, clinic: Clinic) -> None:
    clinic.track.meetings.add(make_meeting(clinic.site, 1), make_meeting(clinic.site, 3))
    kept = clinic.move(MONDAY + 2 * WEEK, time(14), time(17))
    dropped = clinic.move(MONDAY + 3 * WEEK, time(14), time(17))
    page = reverse("meeting-end", args=[clinic.monday.pk])
    shown = client.post(page, {"last_day": "2026-11-30"})
    assert "Sessions you keep are still held, each on its own." in shown.text
    assert shown_in(shown.text) == [kept.pk, dropped.pk]
    typed = {"last_day": "2026-11-30", "shown": [kept.pk, dropped.pk], "keep": [kept.pk]}
    again = client.post(page, typed | {"seen": impact_key(shown.text)})
    assert "Something changed after you looked" in again.text
    response = client.post(page, typed | {"seen": impact_key(again.text)}, follow=True)
    assert "Skills: the last day is Mon, Nov 30." in response.text
    kept.refresh_from_db()
    dropped.refresh_from_db()
    assert (kept.meeting, kept.status, dropped.status) == (None, SessionStatus.SCHEDULED, SessionStatus.CANCELLED)


def test_a_refused_last_day_has_its_reason_beside_the_field(client: Client, clinic: Clinic) -> None:
    response = client.post(reverse("meeting-end", args=[clinic.monday.pk]), {"last_day": "2026-11-01"})
    assert response.status_code == 422
    assert "Sun, Nov 1 is too early. Choose Sun, Nov 22 or later." in response.text
    assert 'value="2026-11-01"' in response.text


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        pytest.param({"starts": "06:00"}, "starts", "The site is open from 6:30 AM to 10:00 PM.", id="too early"),
        pytest.param({"ends": "22:05"}, "starts", "The site is open from 6:30 AM to 10:00 PM.", id="too late"),
        pytest.param({"places": 13}, "places", "Garden holds 12, so 13 spots are too many.", id="too many for the room"),
        pytest.param(
            {"weekday": 2, "starts": "11:00", "ends": "14:00"}, "room",
            "Garden would have “Skills” and “Skills” at the same time on Wednesday.", id="a room in two places",
        ),
        pytest.param(
            {"weekday": 2, "starts": "11:00", "ends": "14:00"}, "lead",
            "Ada Park would be in “Skills” and “Skills” at the same time on Wednesday.", id="a leader in two places",
        ),
    ],
)  # fmt: skip
def test_reasons_are_shown_beside_their_fields(
    client: Client, clinic: Clinic, wrong: dict[str, Any], field: str, words: str
) -> None:
    Site.objects.filter(pk=clinic.site.pk).update(opens=time(6, 30), closes=time(22))
    for page, typed in (
        (clinic.page, clinic.typed(**wrong)),
        (reverse("meeting-new", args=[clinic.track.pk]), clinic.typed(**({"code": "NEW", "weekday": 1} | wrong))),
    ):
        response = client.post(page, typed)
        assert response.status_code == 422
        message = response.text.partition(f'id="id_{field}_error"')[2].partition("</div>")[0]
        assert words in message
    assert Meeting.objects.count() == 3


def test_fewer_spots_than_are_booked_are_refused_with_the_dates(client: Client, clinic: Clinic) -> None:
    second = make_patient(clinic.site, "Emil")
    groups = list(clinic.track.meetings.all())
    enroll_patient(
        episode=admit(second), track=clinic.track, meetings=groups, starts=MONDAY, by=clinic.coordinator, now=NOW
    )
    response = client.post(clinic.page, clinic.typed(places=1, runs_from="2027-02-01"))
    assert response.status_code == 422
    message = response.text.partition('id="id_places_error"')[2]
    assert "Up to 2 patients are booked into “Skills”. Enter at least 2 spots." in message
    assert "Dates with more patients than spots: Mon, Feb 1, 2027; Mon, Feb 8, 2027." in message


def test_a_new_group_whose_room_is_taken_on_a_date_is_previewed(client: Client, clinic: Clinic) -> None:
    slot = Slot(on=MONDAY + DAY + WEEK, starts=time(9), ends=time(10), room=clinic.den)
    kind = clinic.monday.service_type
    values = OneOffSession(name="Extra", slot=slot, service_type=kind, places=2)
    add_session(site=clinic.site, values=values, by=clinic.coordinator, now=NOW)
    page = reverse("meeting-new", args=[clinic.track.pk])
    typed = clinic.typed(code="NEW", name="Den group", weekday=1, room=clinic.den.pk, places=4, runs_from="2026-11-24")
    shown = client.post(page, typed)
    assert "Den group on Tue, Dec 1 would have no room." in shown.text
    assert not Meeting.objects.filter(code="NEW").exists()
    response = client.post(page, typed | {"seen": impact_key(shown.text)}, follow=True)
    assert "Den group is added: every Tuesday from Tue, Nov 24." in response.text
    track = re.sub(r"\s+", " ", client.get(reverse("track", args=[clinic.track.pk])).text)
    assert "Tue, Dec 1, Den group</a>: no room" in track
    assert "Needs attention" in track


def test_times_that_clocks_skip_or_repeat_are_explained(
    client: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_october = datetime(2026, 10, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: in_october)
    night = {"code": "N", "name": "Night group", "weekday": 6, "check": "1", "lead": "", "room": ""}
    page = reverse("meeting-new", args=[clinic.track.pk])
    clocks_back = client.post(page, clinic.typed(**night, starts="01:30", ends="04:00", runs_from="2026-10-04"))
    assert "Clocks go back on Sun, Nov 1, so 1:30 AM comes twice. The first one counts." in clocks_back.text
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 2, 1, 12, tzinfo=UTC))
    client.force_login(clinic.coordinator)
    typed = clinic.typed(**night, starts="02:30", ends="04:00", runs_from="2027-02-07")
    assert (
        "Clocks go forward past 2:30 AM on Sun, Mar 14. It becomes 3:30 AM on that day."
        in client.post(page, typed).text
    )
    skipped = client.post(page, typed | {"starts": "02:00", "ends": "03:00"})
    assert (
        "Clocks go forward past 2:00 AM on Sun, Mar 14. No time is left for the group, so it is not held."
        in skipped.text
    )
    assert "Clocks go forward" not in client.post(page, typed | {"last_day": "2027-03-13"}).text


def test_a_preview_leaves_out_what_the_nightly_jobs_would_write(
    client: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + 2 * WEEK)
    client.force_login(clinic.coordinator)
    shown = client.post(clinic.page, clinic.typed(name="Coping skills", runs_from="2026-12-14", check="1"))
    assert "No patients are affected" in shown.text
    assert "1 change to the timetable" in shown.text


@pytest.mark.parametrize("number", [1, 3])
def test_three_changed_sessions_take_as_many_queries_as_one(
    client: Client, clinic: Clinic, number: int, django_assert_num_queries: Any
) -> None:
    for week in range(number):
        staffing = Staffing(lead=clinic.ben)
        session = clinic.on(MONDAY + week * WEEK)
        assign_staff(session=session, staffing=staffing, by=clinic.coordinator, now=NOW)
    address = clinic.page
    with django_assert_num_queries(24):
        page = client.get(address).text
    assert len(shown_in(page)) == number
    with django_assert_num_queries(15):
        page = client.get(reverse("track", args=[clinic.track.pk])).text
    assert page.count("Ben Strand leads") == number


def test_a_track_shows_the_changed_sessions_of_its_next_four_weeks(client: Client, clinic: Clinic) -> None:
    clinic.cancel(MONDAY)
    clinic.move(MONDAY + WEEK, time(9), time(12), room=make_room(clinic.site, name="Attic"))
    clinic.cancel(MONDAY + 5 * WEEK, "Too far away")
    restore_session(session=clinic.cancel(MONDAY + 2 * WEEK), by=clinic.coordinator, now=NOW)
    other = make_track(clinic.site, [make_meeting(clinic.site, 1, name="Other")])
    extend_horizon(site=clinic.site, now=NOW)
    cancel_session(
        session=Session.objects.filter(name="Other")[0], reason="Of the other", by=clinic.coordinator, now=NOW
    )
    page = re.sub(r"\s+", " ", client.get(reverse("track", args=[clinic.track.pk])).text)
    assert (
        f'<a href="{reverse("session", args=[clinic.on(MONDAY).pk])}">Mon, Nov 23, Skills</a>: canceled (Ill)' in page
    )
    assert "Mon, Nov 30, Skills</a>: in Attic" in page
    for words in ("Mon, Dec 7", "Too far away", "Of the other", "Needs attention"):
        assert words not in page
    assert "Of the other" in client.get(reverse("track", args=[other.pk])).text


def test_a_track_without_changed_sessions_has_no_list_of_them(client: Client, clinic: Clinic) -> None:
    assert "Changes in the next four weeks" not in client.get(reverse("track", args=[clinic.track.pk])).text


def test_a_session_without_a_facilitator_is_marked(client: Client, clinic: Clinic) -> None:
    assign_staff(session=clinic.on(MONDAY), staffing=Staffing(), by=clinic.coordinator, now=NOW)
    page = re.sub(r"\s+", " ", client.get(reverse("track", args=[clinic.track.pk])).text)
    assert "Mon, Nov 23, Skills</a>: nobody leads" in page
    assert page.count("Needs attention") == 1


def test_after_the_action_the_user_returns_to_the_page_they_came_from(client: Client, clinic: Clinic) -> None:
    typed = clinic.typed(name="Coping skills", next="/board/")
    assert client.post(clinic.page, typed)["Location"] == "/board/"
    assert 'name="next" value="/board/"' in client.get(clinic.page, {"next": "/board/"}).text


# Several weekdays at once


def test_a_group_is_added_on_several_weekdays_at_once(client: Client, clinic: Clinic) -> None:
    typed = clinic.typed(
        code="EV", name="Evening", weekday=[1, 3], starts="17:30", ends="20:30", runs_from="2026-11-24"
    )
    response = client.post(reverse("meeting-new", args=[clinic.track.pk]), typed, follow=True)
    assert "Evening is added on Tue, Thu, from Tue, Nov 24." in response.text
    added = Meeting.objects.filter(name="Evening").order_by("weekday")
    assert list(added.values_list("weekday", "code", "starts")) == [
        (1, "EV-tue", time(17, 30)),
        (3, "EV-thu", time(17, 30)),
    ]
    assert Session.objects.filter(meeting__in=added, on__lt=MONDAY + WEEK).count() == 2


def test_no_weekday_is_added_if_one_is_refused(client: Client, clinic: Clinic) -> None:
    typed = clinic.typed(code="NEW", name="Second", weekday=[1, 2], starts="11:00", ends="14:00")
    response = client.post(reverse("meeting-new", args=[clinic.track.pk]), typed)
    assert response.status_code == 422
    assert not Meeting.objects.filter(name="Second").exists()


def test_a_code_left_blank_is_made_from_the_name(client: Client, clinic: Clinic) -> None:
    typed = clinic.typed(code="", name="Relapse & recovery", weekday=[1], starts="13:00", ends="14:00")
    assert client.post(reverse("meeting-new", args=[clinic.track.pk]), typed).status_code == 302
    assert Meeting.objects.get(name="Relapse & recovery").code == "relapse-recovery-tue"


def test_folded_fields_are_shown_if_one_of_them_is_refused(client: Client, clinic: Clinic) -> None:
    page = reverse("meeting-new", args=[clinic.track.pk])
    assert '<details class="mb-3">' in client.get(page).text
    assert '<details class="mb-3" open>' in client.post(page, clinic.typed(places=0, weekday=1)).text
    assert '<details class="mb-3">' in client.post(page, clinic.typed(name="", weekday=1)).text


def test_the_first_group_of_a_track_needs_no_folded_field(client: Client, clinic: Clinic) -> None:
    track = make_track(clinic.site)
    page = reverse("meeting-new", args=[track.pk])
    assert re.search(r'<option value="\d+" selected>Group therapy</option>', client.get(page).text)


def test_the_form_says_at_once_that_a_room_or_leader_is_taken(client: Client, clinic: Clinic) -> None:
    meter = reverse("track-meter", args=[clinic.track.pk])
    typed = {"name": "Second", "weekday": [1, 2], "starts": "11:00", "ends": "14:00", "runs_from": "2026-11-24"}
    taken = client.get(meter, typed | {"room": clinic.room.pk, "lead": clinic.ada.pk}).text
    room, _, lead = taken.partition('id="room-conflicts"')[2].partition('id="lead-conflicts"')
    assert "Garden" in room
    assert "Ada Park" in lead
    free = client.get(meter, typed | {"room": clinic.den.pk, "lead": clinic.ben.pk}).text
    assert not {"Garden", "Den", "Ada Park", "Ben Strand"} & set(re.findall(r"Garden|Den|Ada Park|Ben Strand", free))
    itself = {"meeting": clinic.monday.pk, "weekday": 0, "starts": "09:00", "ends": "12:00", "room": clinic.room.pk}
    assert "Garden" not in client.get(meter, itself).text


def test_the_meter_counts_groups_that_run_on_the_first_day_chosen(client: Client, clinic: Clinic) -> None:
    clinic.track.meetings.update(runs_from=date(2027, 1, 4))
    page = client.get(reverse("meeting-new", args=[clinic.track.pk])).text
    assert 'name="runs_from" value="2027-01-04"' in page
    meter = reverse("track-meter", args=[clinic.track.pk])
    typed = {"weekday": [1], "starts": "09:00", "ends": "13:00"}
    for first_day in ("2026-11-24", "2027-01-04", "2027-02-01"):
        assert "13 h</span> a week on 4 days" in client.get(meter, typed | {"runs_from": first_day}).text
