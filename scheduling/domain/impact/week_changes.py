"""Treatment weeks up to the current one whose weekly hours are different after a change to one patient's record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from attendance.domain.ledger import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """A patient's treatment week, on the dates [week, until): its standing, and what is prescribed and credited in it."""

    week: date
    until: date
    standing: Standing
    prescribed_minutes: int
    prescribed_days: int
    credited_minutes: int
    credited_days: int


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """A treatment week before and after a change. A state is None if the week is in no episode of care at that time."""

    before: LedgerState | None
    after: LedgerState | None

    @property
    def week(self) -> date:
        """First day of the week."""
        state = self.before or self.after
        assert state is not None
        return state.week


def find_week_changes(before: Iterable[LedgerState], after: Iterable[LedgerState]) -> tuple[LedgerChange, ...]:
    """Return the weeks that differ, the earliest first."""
    old, new = {each.week: each for each in before}, {each.week: each for each in after}
    changes = (LedgerChange(old.get(week), new.get(week)) for week in sorted(old.keys() | new.keys()))
    return tuple(change for change in changes if change.before != change.after)
