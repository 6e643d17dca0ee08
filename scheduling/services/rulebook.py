"""Look up which weekly-hours rules are in force at a site on a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from scheduling.domain.hours.rules import HoursRules
from scheduling.models import RuleSet as RuleSetRow
from scheduling.models import Site
from timekeeping.intervals import Interval
from timekeeping.weeks import week_start


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rule sets of a site, newest first.

    Each entry has a level of care, the first day of the rules, and the rules. The level is "" if the rules are not for
    a particular level.
    """

    entries: tuple[tuple[str, date, HoursRules], ...]

    @classmethod
    def of(cls, site: Site) -> "RuleBook":
        """Read the site's rule sets. Runs one query."""
        return cls.of_rows(RuleSetRow.objects.filter(site=site))

    @classmethod
    def of_rows(cls, rows: Iterable[RuleSetRow]) -> "RuleBook":
        """Return the rule book of one site, given all of the site's rule sets in any order."""
        newest_first = sorted(rows, key=lambda row: row.starts, reverse=True)
        return cls(tuple((row.level, row.starts, row.as_rules()) for row in newest_first))

    def on(self, day: date, level: str = "") -> HoursRules:
        """Return the rules in force on the day: for the level, otherwise for all levels, otherwise the defaults."""
        for wanted in dict.fromkeys((level, "")):
            for entry_level, starts, rules in self.entries:
                if entry_level == wanted and starts <= day:
                    return rules
        return HoursRules()

    def week_of(self, day: date) -> date:
        """Return the first day of the treatment week that contains `day`."""
        return week_start(day, self.on(day).week_starts)

    def week_around(self, day: date) -> Interval[date]:
        """Return the treatment week that contains `day`, as a half-open interval.

        The week has seven days, or fewer if rules with another first weekday come into force within the week.
        """
        first = self.week_of(day)
        later = (first + timedelta(days=number) for number in range(1, 7))
        next_week = next((each for each in later if self.week_of(each) != first), None)
        return Interval(first, next_week or first + timedelta(weeks=1))
