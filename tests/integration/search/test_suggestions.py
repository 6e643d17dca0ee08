"""Suggestions for patients whom no schedule fits. Once a suggestion is applied to the database, a schedule fits."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from patients.models import Commitment, Episode
from scheduling.domain.search.schedules import find_schedules
from scheduling.domain.suggestions.suggestions import Suggestion, find_suggestions
from scheduling.models import Track
from scheduling.reason_text import suggestion_text
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import offers_at
from tests.factories import MONDAY, admit, enroll, make_commitment, make_meeting, make_patient, make_site, make_track

pytestmark = pytest.mark.django_db

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def episode() -> Episode:
    return admit(make_patient(make_site(), code="P007"))


def repairs_for(episode: Episode) -> tuple[Suggestion, ...]:
    return find_suggestions(
        offers_at(site=episode.site, from_day=MONDAY, now=SUNDAY), need_of(episode=episode, from_day=MONDAY)
    )


def evenings(episode: Episode, **meeting: Any) -> Track:
    return make_track(
        episode.site,
        [make_meeting(episode.site, day, "18:00", "21:00", name="Skills", **meeting) for day in (0, 1, 3)],
        name="Evening track",
    )


def test_a_schedule_fits_once_a_suggestion_is_carried_out(episode: Episode) -> None:
    evenings(episode)
    shift = make_commitment(episode.patient, [2, 3], "08:00", "17:50", "Day shift", travel_minutes=20)
    found = repairs_for(episode)
    assert [suggestion_text(suggestion) for suggestion in found] == [
        "End “Day shift” at 5:40 PM instead of 5:50 PM on Thursdays. Then 1 schedule fits.",
        "Cut the travel after “Day shift” from 20 min to 10 min. Then 1 schedule fits.",
    ]
    Commitment.objects.filter(pk=shift.pk).update(ends=time(17, 40))
    assert repairs_for(episode) == ()
    offers = offers_at(site=episode.site, from_day=MONDAY, now=SUNDAY)
    assert len(find_schedules(offers, need_of(episode=episode, from_day=MONDAY))) == 1


def test_the_suggestion_for_a_full_group_is_one_more_spot(episode: Episode) -> None:
    track = evenings(episode, places=1)
    enrollment = enroll(admit(make_patient(episode.site)), track)
    extend_horizon(site=episode.site, now=datetime(2026, 11, 22, 12, tzinfo=UTC))
    (suggestion,) = repairs_for(episode)
    assert suggestion_text(suggestion) == (
        "Open one more spot in each of 3 full groups of Evening track, first on Mon, Nov 23. Then 1 schedule fits."
    )
    first, second, _ = enrollment.enrollment_meetings.order_by("meeting__weekday")
    for each in (first, second):
        each.meeting.sessions.update(places=2)
    (suggestion,) = [each for each in repairs_for(episode) if "place" in each.token]
    assert suggestion_text(suggestion).startswith(
        "Open one more spot in Thursday’s “Skills” (6:00–9:00 PM) on 12 dates, first on Thu"
    )
