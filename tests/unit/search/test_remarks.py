"""The remarks on a schedule and their texts."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from django.template.engine import Engine

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.remarks import (
    ChangesSchedule,
    FacilitatorCount,
    KeepsSchedule,
    MissedSessions,
    MixesTracks,
    NothingMoves,
    PartOfTrack,
    Remark,
    StartsOn,
    TightGap,
    WeeklyTrips,
    WholeTrack,
    WouldMove,
    remarks_on,
)
from scheduling.domain.search.schedules import Preferences, find_schedules
from scheduling.reason_text import remark_text
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import OnDates, Recurrence

MONDAY = date(2026, 11, 30)


def group(key: int, day: int, starts: int = 9, **more: Any) -> WeeklyMeeting:
    fields: dict[str, Any] = {"name": f"Group {key}", "starts": time(starts), "ends": time(starts + 3)} | more
    return WeeklyMeeting(key=key, weekday=day, **fields)


def offer(key: int, meetings: list[WeeklyMeeting], **more: Any) -> Offer:
    offered = tuple(OfferedMeeting(meeting=each) for each in meetings)
    return Offer(key=key, name=f"Track {key}", meetings=offered, **more)


def busy(days: set[int], starts: time, ends: time, **more: Any) -> BusyTime:
    fields: dict[str, Any] = {"key": 1, "label": "Shop", "kind": "work"} | more
    if "recurrence" not in fields:
        fields["recurrence"] = Recurrence(weekdays=frozenset(days))
    return BusyTime(**fields | {"starts": starts, "ends": ends})


def need(*commitments: BusyTime, **more: Any) -> Need:
    return Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, busy=commitments, **more)


WEEK = [group(day, day) for day in (0, 2, 4)]


def remarks_of(offers: list[Offer], asked: Need, preferences: Preferences | None = None) -> tuple[Remark, ...]:
    best = find_schedules(offers, asked, preferences=preferences)[0]
    return remarks_on(best, offers)


def test_remarks_name_the_start_the_whole_track_and_the_trips() -> None:
    assert remarks_of([offer(1, WEEK)], need()) == (
        StartsOn(MONDAY, 0),
        WholeTrack("Track 1"),
        WeeklyTrips(3, 180, 180),
    )


def test_remarks_name_a_later_start_a_part_of_a_track_and_the_facilitators() -> None:
    meetings = [group(day, day, facilitators=frozenset({day // 2})) for day in (0, 1, 2, 3)]
    later = offer(1, meetings, start_dates=(date(2026, 12, 7),))

    assert remarks_of([later], need()) == (
        StartsOn(date(2026, 12, 7), 7),
        PartOfTrack("Track 1", 3, 4),
        WeeklyTrips(3, 180, 180),
        FacilitatorCount(2),
    )


def test_a_remark_names_the_tracks_that_are_mixed() -> None:
    offers = [offer(1, [group(1, 0), group(2, 2)], mixes=True), offer(2, [group(3, 4)], mixes=True)]

    assert remarks_of(offers, need())[1] == MixesTracks(("Track 1", "Track 2"))


def test_equal_moves_of_a_commitment_on_several_days_are_one_remark() -> None:
    late = busy({0, 2}, time(11, 50), time(18), movable_minutes=30)
    early = busy({4}, time(5), time(9, 20), key=2, label="Round", movable_minutes=60)

    moves = [each for each in remarks_of([offer(1, WEEK)], need(late, early)) if isinstance(each, WouldMove)]

    assert moves == [WouldMove(late, (0, 2), False, 10, False), WouldMove(early, (4,), True, 20, False)]
    assert [each.then for each in moves] == [time(12), time(9)]


def test_a_commitment_that_ends_after_midnight_can_move_to_end_before_midnight() -> None:
    night = busy({6}, time(22), time(0, 10), movable_minutes=60)

    assert WouldMove(night, (6,), True, 20, False).then == time(23, 50)


def test_a_remark_has_the_missed_sessions_and_the_number_of_all_sessions() -> None:
    court = busy(set(), time(10), time(11), recurrence=OnDates(frozenset({date(2026, 12, 9)})))

    assert remarks_of([offer(1, WEEK)], need(court))[3] == MissedSessions(((date(2026, 12, 9), WEEK[1]),), 36)


def test_remarks_say_that_nothing_moves_and_where_a_gap_is_tight() -> None:
    shop = busy({0}, time(12, 35), time(18), travel_before=25)

    assert remarks_of([offer(1, WEEK)], need(shop))[3:] == (NothingMoves(), TightGap(shop, 0, 10, False))
    assert remarks_of([offer(1, WEEK)], need(replace(shop, starts=time(12, 40))))[3:] == (NothingMoves(),)


def test_a_remark_compares_the_schedule_with_the_present_one() -> None:
    kept = Preferences(kept=tuple(WEEK))

    assert remarks_of([offer(1, WEEK)], need(), kept)[-1] == KeepsSchedule()
    others = [group(9, 1), group(8, 2), group(7, 4)]
    assert remarks_of([offer(1, others)], need(), kept)[-1] == ChangesSchedule(1, 3, 2)


SHOP = busy({3}, time(9), time(17, 30))


@pytest.mark.parametrize(
    ("remark", "text"),
    [
        pytest.param(StartsOn(date(2026, 12, 7), 0), "Starts Mon, Dec 7", id="at once"),
        pytest.param(StartsOn(date(2026, 12, 7), 1), "Starts Mon, Dec 7, 1 day later than requested", id="later"),
        pytest.param(WholeTrack("Evening"), "All of Evening", id="whole"),
        pytest.param(PartOfTrack("Evening", 3, 5), "3 of the 5 groups of Evening", id="part"),
        pytest.param(MixesTracks(("Evening", "Day")), "Combines Evening + Day", id="two tracks"),
        pytest.param(MixesTracks(("A", "B", "C")), "Combines A + B + C", id="three tracks"),
        pytest.param(WeeklyTrips(3, 180, 180), "3 days a week, 3 h each", id="days of one length"),
        pytest.param(WeeklyTrips(3, 120, 210), "3 days a week, 2 h to 3 h 30 min each", id="days of different lengths"),
        pytest.param(
            WouldMove(SHOP, (3,), True, 20, False),
            "Shop would have to end 20 min earlier, at 5:10 PM, on Thu",
            id="ends earlier",
        ),
        pytest.param(
            WouldMove(SHOP, (3,), False, 20, False),
            "Shop would have to start 20 min later, at 9:20 AM, on Thu",
            id="starts later",
        ),
        pytest.param(
            MissedSessions(((date(2026, 12, 7), WEEK[0]),), 36), "Misses 1 of 36 sessions: Mon, Dec 7", id="misses"
        ),
        pytest.param(FacilitatorCount(1), "One facilitator", id="one"),
        pytest.param(FacilitatorCount(3), "3 facilitators", id="three"),
        pytest.param(
            TightGap(SHOP, 1, 10, True), "10 min to spare between Shop and the group on Tuesdays", id="before"
        ),
        pytest.param(
            TightGap(SHOP, 1, 0, False), "No time to spare between the group and Shop on Tuesdays", id="after"
        ),
        pytest.param(NothingMoves(), "Nothing has to move", id="nothing"),
        pytest.param(KeepsSchedule(), "Keeps the same days and groups", id="keeps"),
        pytest.param(ChangesSchedule(1, 2, 1), "1 other day, 2 other groups, 1 at the same time", id="changes"),
    ],
)
def test_every_remark_has_a_text(remark: Remark, text: str) -> None:
    assert remark_text(remark) == text


def test_every_remark_class_has_a_partial_and_every_partial_its_class() -> None:
    template = Engine.get_default().get_template("scheduling/search/remarks.html")
    assert set(template.extra_data["partials"]) == {kind.code for kind in Remark.__subclasses__()}
