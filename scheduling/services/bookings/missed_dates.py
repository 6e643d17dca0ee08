"""Dates on which a patient is not free although their schedule fits: the places on them are given back from the start."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from scheduling.domain.impact.dated_conflicts import find_overlaps
from scheduling.domain.search.need import Need
from scheduling.models import Meeting, Session

NOT_AVAILABLE = "Not free then"
"""Why such a place was given back; it says nothing of what the patient does instead."""


def missed_sessions(
    sessions: Sequence[Session], meetings: Iterable[Meeting], need: Need, zone: tzinfo
) -> list[Session]:
    """Those of the sessions that stand for a date on which the need lets their meeting be missed.

    One that was moved is missed if it still runs into what passes in the patient's life. Reads the meetings' prefetched rows.
    """
    dates = {meeting.pk: need.conflicts_with(meeting.as_weekly_meeting()).missed for meeting in meetings}
    found = [session for session in sessions if session.pattern_date in dates.get(session.meeting_id or 0, ())]
    times = [(session.pk, session.starts.astimezone(zone), session.ends.astimezone(zone)) for session in found]
    taken = {pk for pk, _ in find_overlaps(times, need.temporary_busy_times)}
    return [session for session in found if session.pk in taken]


def missed_text(missed: Sequence[Session], asked: Sequence[Session]) -> str:
    """For the trail: how many of the sessions are missed, if any is."""
    return f", misses {len(missed)} of {len(asked)} sessions" if missed else ""
