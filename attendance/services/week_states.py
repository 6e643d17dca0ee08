"""The treatment weeks of one episode as plain values, to compare them before and after a correction of the record."""

from datetime import datetime

from attendance.services.ledgers import LedgerRow, recent_weeks
from patients.models import Episode
from scheduling.domain.impact.week_changes import LedgerState

EVERY_WEEK = 10_000


def weeks_so_far(*, episode_id: int, now: datetime) -> tuple[LedgerState, ...]:
    """Read the episode again, and return its treatment weeks up to the current one, newest first.

    Return no weeks if the episode has been removed. The number of queries does not depend on the number of weeks.
    """
    episodes = Episode.objects.select_related("site", "patient").prefetch_related("spans")
    episode = episodes.filter(pk=episode_id).first()
    if episode is None:
        return ()
    return tuple(_as_state(row) for row in recent_weeks(episode=episode, now=now, weeks=EVERY_WEEK))


def _as_state(row: LedgerRow) -> LedgerState:
    return LedgerState(
        week=row.week,
        until=row.until,
        standing=row.ledger.standing,
        prescribed_minutes=row.ledger.prescribed_minutes,
        prescribed_days=row.ledger.prescribed_days,
        credited_minutes=row.ledger.credited_minutes,
        credited_days=row.ledger.credited_days,
    )
