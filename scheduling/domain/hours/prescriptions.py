"""The rules about a prescription: whether it is possible at all, and whether it is within the site's hours rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.domain.hours.rules import HoursRules
from timekeeping.reasons import Reason

MAXIMUM_MINUTES_A_DAY = 12 * 60
"""The most minutes of treatment that can be prescribed for one day. No outpatient program treats longer than that."""


@dataclass(frozen=True, slots=True)
class ImpossiblePrescription(Reason):
    """The prescribed minutes don't fit on the prescribed days. At most `maximum` minutes fit on them."""

    minutes: int
    days: int
    maximum: int


@dataclass(frozen=True, slots=True)
class PrescriptionOutsideRules(Reason):
    """The prescription is outside the rules of the site, and no reason for the exception is given.

    The bounds are those of the rules, inclusive, in minutes and days a week.
    """

    minutes: int
    days: int
    minimum_minutes: int
    maximum_minutes: int
    minimum_days: int
    maximum_days: int


@dataclass(frozen=True, slots=True)
class ExceptionNotPermitted(Reason):
    """The prescription is outside the rules of the site, and the user may not record such an exception."""

    minutes: int
    days: int


def is_outside_rules(minutes: int, days: int, rules: HoursRules) -> bool:
    """Whether a prescription of `minutes` on `days` a week is outside the inclusive bounds of the rules."""
    is_within_minutes = rules.minimum_minutes <= minutes <= rules.maximum_minutes
    return not (is_within_minutes and rules.minimum_days <= days <= rules.maximum_days)


def check_prescription(
    *, minutes: int, days: int, rules: HoursRules, exception_reason: str, may_except: bool
) -> Iterator[Reason]:
    """Yield the reason against a prescription of `minutes` of treatment on `days` a week, if there is one.

    No more than 12 hours a day can be prescribed (product rule). A prescription outside the bounds of `rules` needs an
    `exception_reason`, and a user who may record exceptions (`may_except`).
    """
    if minutes > days * MAXIMUM_MINUTES_A_DAY:
        yield ImpossiblePrescription(minutes, days, days * MAXIMUM_MINUTES_A_DAY)
    elif is_outside_rules(minutes, days, rules):
        if not may_except:
            yield ExceptionNotPermitted(minutes, days)
        elif not exception_reason.strip():
            yield PrescriptionOutsideRules(
                minutes,
                days,
                rules.minimum_minutes,
                rules.maximum_minutes,
                rules.minimum_days,
                rules.maximum_days,
            )
