"""Which prescriptions are possible, which are within a site's rules, and which need a reason for an exception."""

import pytest

from scheduling.domain.hours.prescriptions import check_prescription, is_outside_rules
from scheduling.domain.hours.rules import HoursRules

RULES = HoursRules(minimum_minutes=540, maximum_minutes=1200, minimum_days=3, maximum_days=5)


@pytest.mark.parametrize(
    ("minutes", "days", "expected"),
    [
        pytest.param(540, 3, False, id="the fewest hours and days"),
        pytest.param(1200, 5, False, id="the most hours and days"),
        pytest.param(539, 3, True, id="a minute too few"),
        pytest.param(1201, 5, True, id="a minute too many"),
        pytest.param(540, 2, True, id="a day too few"),
        pytest.param(1200, 6, True, id="a day too many"),
    ],
)
def test_the_bounds_of_the_rules_are_inclusive(minutes: int, days: int, expected: bool) -> None:
    assert is_outside_rules(minutes, days, RULES) == expected


@pytest.mark.parametrize(
    ("minutes", "days", "reason", "may_except", "expected"),
    [
        pytest.param(540, 3, "", False, [], id="within the rules"),
        pytest.param(5400, 3, "Needed", True, ["impossible_prescription"], id="90 hours on 3 days"),
        pytest.param(721, 1, "Needed", True, ["impossible_prescription"], id="a minute more than fits on a day"),
        pytest.param(720, 1, "Needed", True, [], id="as much as fits on a day"),
        pytest.param(360, 2, "", True, ["prescription_outside_rules"], id="outside the rules"),
        pytest.param(360, 2, "  ", True, ["prescription_outside_rules"], id="a blank reason"),
        pytest.param(360, 2, "Tapering off", True, [], id="with a reason"),
        pytest.param(360, 2, "Tapering off", False, ["exception_not_permitted"], id="by somebody who may not"),
    ],
)
def test_a_prescription_is_checked(minutes: int, days: int, reason: str, may_except: bool, expected: list[str]) -> None:
    reasons = check_prescription(
        minutes=minutes, days=days, rules=RULES, exception_reason=reason, may_except=may_except
    )

    assert [each.code for each in reasons] == expected
