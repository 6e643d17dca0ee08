"""Form for the weekly-hours rules of a site from a day on."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from patients.forms.care.episodes import DurationField
from patients.forms.layout import fields_row, form_layout
from patients.models import LevelOfCare
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.forms.timetable.meetings import WEEKDAYS
from scheduling.models import RuleSet
from scheduling.services.administration.rule_sets import RuleSetValues

ALL_LEVELS = "all"


def in_hours(minutes: int) -> str:
    """Write minutes as people type them into a field: 540 is "9", 570 is "9:30"."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02}" if rest else str(hours)


class RuleSetForm(ActionForm):
    """Weekly-hours rules for one level of care or for all levels. Users type hours, such as 9:30, instead of minutes."""

    reason_fields: ClassVar = {
        "rules_for_the_past": "starts",
        "rules_start_mid_week": "starts",
        "hours_out_of_order": "maximum_minutes",
        "days_out_of_order": "maximum_days",
    }

    starts = DayField(label=_("In effect from"), help_text=_("The first day of a treatment week."))
    level = forms.ChoiceField(label=_("For"), choices=[(ALL_LEVELS, _("All levels of care")), *LevelOfCare.choices])
    minimum_minutes = DurationField(label=_("Minimum hours a week"), help_text=_("For example 9, or 9:30."))
    maximum_minutes = DurationField(label=_("Maximum hours a week"))
    minimum_days = forms.IntegerField(label=_("Minimum days a week"), min_value=1, max_value=7)
    maximum_days = forms.IntegerField(label=_("Maximum days a week"), min_value=1, max_value=7)
    minimum_minutes_per_day = DurationField(
        label=_("Minimum hours a day"), required=False, help_text=_("Leave blank if there is no minimum.")
    )
    week_starts = forms.TypedChoiceField(
        label=_("The treatment week starts on"),
        choices=list(enumerate(WEEKDAYS)),
        coerce=int,
        help_text=_("The same for all levels of care."),
    )
    breaks_count = forms.BooleanField(label=_("Breaks count toward weekly hours"), required=False)

    def __init__(self, *args: Any, rules: RuleSet, is_fixed: bool = False, **kwargs: Any) -> None:
        """`rules` has the initial values. With `is_fixed`, the level and the first day can't be changed."""
        fields = ("starts", "minimum_days", "maximum_days", "week_starts", "breaks_count")
        kwargs["initial"] = {name: getattr(rules, name) for name in fields} | {
            name: in_hours(getattr(rules, name)) for name in ("minimum_minutes", "maximum_minutes")
        }
        kwargs["initial"]["level"] = rules.level or ALL_LEVELS
        if rules.minimum_minutes_per_day:
            kwargs["initial"]["minimum_minutes_per_day"] = in_hours(rules.minimum_minutes_per_day)
        super().__init__(*args, **kwargs)
        for name in ("starts", "level") if is_fixed else ():
            self.fields[name].disabled = True
        self.helper = form_layout(
            fields_row("starts", "level"),
            fields_row("minimum_minutes", "maximum_minutes"),
            fields_row("minimum_days", "maximum_days"),
            fields_row("minimum_minutes_per_day", "week_starts"),
            "breaks_count",
        )

    def values(self) -> RuleSetValues:
        given = self.cleaned_data
        level = "" if given["level"] == ALL_LEVELS else given["level"]
        return RuleSetValues(
            **given | {"level": level, "minimum_minutes_per_day": given["minimum_minutes_per_day"] or 0}
        )
