"""The sessions of past dates, for an import of what happened before the program was in use."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from scheduling.models import Closure, Meeting, Session, SessionStatus, Site
from scheduling.services.batches import in_batches
from scheduling.services.bookings.horizon import insert_sessions, sessions_of
from scheduling.services.rulebook import RuleBook


class PastSessions:
    """The past sessions of some meetings of a site on the dates [first, until), existing ones and possible ones.

    A possible session is one that the pattern of its meeting gives, on a day on which the site was not closed. It is
    written only by `insert`. Meetings are queried in batches.
    """

    def __init__(self, site: Site, meetings: Collection[int], first: date, until: date) -> None:
        self._site, self._first, self._until = site, first, until
        self.book = RuleBook.of(site)
        self._closed = [each.as_interval() for each in Closure.objects.filter(site=site).overlapping(first, until)]
        self._meetings: dict[int, Meeting] = {}
        self._existing: dict[tuple[int, date], Session] = {}
        self._represented: dict[int, set[date]] = defaultdict(set)
        self._possible: dict[int, Mapping[date, Session]] = {}
        for batch in in_batches(sorted(meetings)):
            rows = Meeting.objects.filter(pk__in=batch).select_related("service_type", "site")
            self._meetings.update((each.pk, each) for each in rows.prefetch_related("meeting_facilitators"))
            for session in Session.objects.filter(meeting__in=batch, on__gte=first, on__lt=until):
                session.site = site
                self._existing[session.meeting_id or 0, session.on] = session
            dated = Session.objects.filter(meeting__in=batch, pattern_date__gte=first, pattern_date__lt=until)
            for meeting, day in dated.values_list("meeting", "pattern_date"):
                if meeting is not None and day is not None:
                    self._represented[meeting].add(day)

    def find(self, meeting: int, day: date) -> Session | None:
        """Return the session of a meeting on a day, which may be unsaved, or None if there was none."""
        existing = self._existing.get((meeting, day))
        if existing is not None:
            return existing
        if meeting not in self._possible:
            row = self._meetings[meeting]
            possible = sessions_of(row, self._site, self._first, self._until, self._closed, self.book)
            self._possible[meeting] = {each.on: each for each in possible if each.on not in self._represented[meeting]}
        return self._possible[meeting].get(day)

    def is_closed(self, day: date) -> bool:
        """Whether the site was closed on the day."""
        return any(closure.contains(day) for closure in self._closed)

    def insert(self, sessions: Iterable[Session], booked: Mapping[int, int], now: datetime) -> None:
        """Insert unsaved sessions as held and imported, so that nobody is asked to finalize them.

        `booked` maps `id()` of a session to the number of its patients. A session gets at least as many spots as it had
        patients, even if its meeting has fewer.
        """
        new = sorted(sessions, key=lambda session: (session.starts, session.meeting_id or 0))
        for session in new:
            session.status = SessionStatus.HELD
            session.finalized_at = session.imported_at = now
            session.places = max(session.places, booked.get(id(session), 0))
        if new:
            insert_sessions(new, self._meetings.values(), site=self._site, now=now)


def dates_around(days: Iterable[date]) -> tuple[date, date]:
    """Return the first day, and the day after the last one. There must be at least one day."""
    every = set(days)
    return min(every), max(every) + timedelta(days=1)
