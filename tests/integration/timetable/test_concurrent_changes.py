"""Simultaneous changes to one timetable cause no double booking or overbooking. Every request gets a clear response."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Episode
from scheduling.models import Enrollment, Session, Site
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_room,
    make_site,
    make_staff,
    make_track,
)
from tests.integration.timetable import naive_model
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOVES, HANDS = 100, 20


def at_once[T](tries: Sequence[Callable[[], T]], hands: int) -> list[T]:
    """Divide the functions among threads that start at the same moment, and return the results.

    `hands` is the number of threads. Each thread has its own database connection.
    """
    barrier = Barrier(hands)

    def run(mine: Sequence[Callable[[], T]]) -> list[T]:
        try:
            barrier.wait(timeout=60)
            return [each() for each in mine]
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as pool:
        return [result for results in pool.map(run, [tries[n::hands] for n in range(hands)]) for result in results]


def test_five_of_24_patients_get_the_last_five_spots() -> None:
    site = make_site()
    track = make_track(site, [make_meeting(site, day, places=8) for day in (0, 2, 4)])
    extend_horizon(site=site, now=NOW)
    by = make_staff(Role.COORDINATOR, site)
    meetings = list(track.meetings.all())
    enroll = partial(enroll_patient, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)
    for _ in range(3):
        enroll(episode=admit(make_patient(site)))

    def attempt(episode: Episode) -> set[str]:
        """Try to enroll the patient. Return the codes of the reasons for a refusal, or an empty set on success."""
        try:
            enroll(episode=episode)
        except Refused as refused:
            return {reason.code for reason in refused.reasons}
        return set()

    waiting = [partial(attempt, admit(make_patient(site))) for _ in range(24)]
    results = at_once(waiting, 24)
    assert sum(not each for each in results) == 5
    assert set().union(*results) <= {"full", "session_full"}
    assert Enrollment.objects.count() == 8
    assert naive_model.wrong_booked_counts() == []
    assert {session.places_left for session in Session.objects.all()} == {0}


def a_site(name: str, leads: list[User]) -> Site:
    """Create a site with two tracks of three patients each. Each track meets every weekday in its own room."""
    site = make_site(name)
    rooms = [make_room(site) for _ in range(2)]
    days = range(5)
    hours = (("09:00", "12:00"), ("13:00", "16:00"))
    shift = 0 if name == "One" else 4
    tracks = [
        make_track(
            site,
            [
                make_meeting(
                    site, day, *(f"{int(each[:2]) + shift:02}:00" for each in hours[n]), lead=leads[n], room=rooms[n]
                )
                for day in days
            ],
            name=f"Track {n}",
        )
        for n in range(2)
    ]
    extend_horizon(site=site, now=NOW)
    by = make_staff(Role.COORDINATOR, site)
    for n, track in enumerate(tracks):
        for _ in range(3):
            meetings = list(track.meetings.all()[n : n + 3])
            episode = admit(make_patient(site))
            enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)
    return site


def a_move(by: User, session: Session, chance: random.Random) -> Callable[[], list[int]]:
    """Return a function that submits the page for moving the session, with a random time.

    The function returns the status codes of the responses.
    """
    on = session.on + timedelta(days=chance.randint(-1, 1))
    hour = chance.randint(8, 18)
    room = chance.choice([*session.site.rooms.all(), None])
    typed = {"on": on, "starts": f"{hour:02}:00", "ends": f"{hour + 2:02}:30", "room": room.pk if room else ""}

    def move() -> list[int]:
        client = Client(raise_request_exception=False)
        client.force_login(by)
        address = reverse("session-move", args=[session.pk])
        shown = client.post(address, typed)
        key = re.search(r'name="seen" value="(\w+)"', shown.text) if shown.status_code == 200 else None
        if key is None:
            return [shown.status_code]
        return [shown.status_code, client.post(address, typed | {"seen": key[1]}).status_code]

    return move


def test_100_concurrent_moves_break_nothing_and_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    leads = [make_staff(Role.CLINICIAN, make_site("Staff")) for _ in range(2)]
    sites = [a_site(name, leads) for name in ("One", "Two")]
    people = {site.pk: make_staff(Role.COORDINATOR, site) for site in sites}
    randomness = random.Random(2101)
    week = list(Session.objects.filter(on__lt=MONDAY + timedelta(weeks=1)).select_related("site").order_by("pk"))
    moves = [
        a_move(people[session.site_id], session, randomness)
        for session in (randomness.choice(week) for _ in range(MOVES))
    ]
    results = Counter(status for statuses in at_once(moves, HANDS) for status in statuses)
    assert set(results) <= {200, 302, 422}
    assert results[302] > 10
    assert naive_model.double_bookings() == []
    assert naive_model.wrong_booked_counts() == []
    assert naive_model.wrong_copies() == []
