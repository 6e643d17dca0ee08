"""Which weekly-hours rules are in force on a day."""

from dataclasses import dataclass
from datetime import date, timedelta

from scheduling.domain.hours.rules import HoursRules
from scheduling.models import RuleSet as RuleSetRow
from scheduling.models import Site
from timekeeping.intervals import Interval
from timekeeping.weeks import week_start


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A site's rule sets, newest first, as (level of care or "", first day, rules)."""

    entries: tuple[tuple[str, date, HoursRules], ...]

    @classmethod
    def of(cls, site: Site) -> "RuleBook":
        """Read the site's rule sets; one query."""
        rows = RuleSetRow.objects.filter(site=site).order_by("-starts")
        return cls(tuple((row.level, row.starts, row.as_rules()) for row in rows))

    def on(self, day: date, level: str = "") -> HoursRules:
        """Return the rules on the day: those of the level if it has any, otherwise the site's, otherwise the defaults."""
        for wanted in dict.fromkeys((level, "")):
            for entry_level, starts, rules in self.entries:
                if entry_level == wanted and starts <= day:
                    return rules
        return HoursRules()

    def week_of(self, day: date) -> date:
        """Return the date on which the treatment week of `day` begins."""
        return week_start(day, self.on(day).week_starts)

    def week_around(self, day: date) -> Interval[date]:
        """Return the treatment week of `day`: seven days, or fewer before new rules that start weeks on another weekday."""
        first = self.week_of(day)
        later = (first + timedelta(days=number) for number in range(1, 7))
        cut = next((each for each in later if self.week_of(each) != first), None)
        return Interval(first, cut or first + timedelta(weeks=1))
