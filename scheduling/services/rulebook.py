"""Which hours rule was in force when."""

from dataclasses import dataclass
from datetime import date, timedelta

from scheduling.domain.hours.rules import HoursRules
from scheduling.models import RuleSet as RuleSetRow
from scheduling.models import Site
from timekeeping.intervals import Interval
from timekeeping.weeks import week_start


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A site's rule sets, newest first: (level or "", in force from, the rules)."""

    entries: tuple[tuple[str, date, HoursRules], ...]

    @classmethod
    def of(cls, site: Site) -> "RuleBook":
        """One query."""
        rows = RuleSetRow.objects.filter(site=site).order_by("-starts")
        return cls(tuple((row.level, row.starts, row.as_rules()) for row in rows))

    def on(self, day: date, level: str = "") -> HoursRules:
        """The rules in force on the day: the level's own where there are any, else the site's, else the defaults."""
        for wanted in dict.fromkeys((level, "")):
            for entry_level, starts, rules in self.entries:
                if entry_level == wanted and starts <= day:
                    return rules
        return HoursRules()

    def week_of(self, day: date) -> date:
        """The date on which the treatment week of `day` begins."""
        return week_start(day, self.on(day).week_starts)

    def week_around(self, day: date) -> Interval[date]:
        """The treatment week of `day`: seven days, or fewer where new rules begin the week on another weekday."""
        first = self.week_of(day)
        later = (first + timedelta(days=number) for number in range(1, 7))
        cut = next((each for each in later if self.week_of(each) != first), None)
        return Interval(first, cut or first + timedelta(weeks=1))
