"""A page that shows every component of the pages in every state. It exists only where DEBUG is on, and in tests."""

from datetime import date, time

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from scheduling.services.reasons import SessionCancelled
from scheduling.templatetags.formats import MARK_BADGES, STANDING_BADGES, STATUS_BADGES
from scheduling.week_picture import COMMITMENT, CURRENT_TREATMENT, TRAVEL, TREATMENT, Block, draw_week

BUTTONS = (
    "btn-primary",
    "btn-outline-primary",
    "btn-outline-secondary",
    "btn-danger",
    "btn-outline-danger",
    "btn-link",
    "btn-quiet",
)
MONDAY = date(2026, 11, 23)
WEEK = (
    Block(0, 450, 960, COMMITMENT, "Day shift"),
    Block(0, 960, 985, TRAVEL, "Day shift"),
    Block(0, 1050, 1240, TREATMENT, "Evening group"),
    Block(2, 540, 735, TREATMENT, "Morning group"),
    Block(2, 600, 700, COMMITMENT, "Court"),
    Block(3, 840, 930, CURRENT_TREATMENT, "Skills group"),
    Block(4, 540, 735, TREATMENT, "Morning group"),
)


class SampleForm(forms.Form):
    """A form with one field of each kind that pages use."""

    name = forms.CharField(max_length=20, label="Name", help_text="A short help text.")
    email = forms.EmailField(label="Email", required=False)
    starts = forms.TimeField(label="Starts", widget=forms.TimeInput(attrs={"type": "time"}))
    on = forms.DateField(label="Date", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label="Kind", choices=[("work", "Work"), ("school", "School")])
    days = forms.MultipleChoiceField(
        label="Days", choices=[("0", "Mon"), ("1", "Tue")], widget=forms.CheckboxSelectMultiple, required=False
    )
    agreed = forms.BooleanField(label="The patient agreed")
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 2}), required=False)

    def clean(self) -> None:
        raise forms.ValidationError("This refusal is about the form as a whole.")


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show the components. `?state=refused` shows the forms as they look when they are refused."""
    is_refused = request.GET.get("state") == "refused"
    typed = {"email": "not an address", "starts": "later", "kind": "work"}
    context = {
        "form": SampleForm(typed if is_refused else None, initial={"name": "Rosa", "starts": time(9)}),
        "reasons": [SessionCancelled("Morning group", MONDAY)] if is_refused else [],
        "badges": [*STANDING_BADGES.values(), *MARK_BADGES.values(), *STATUS_BADGES.values()],
        "buttons": BUTTONS,
        "meters": [(0, 0), (180, 180), (360, 180), (540, 0), (1600, 0)],
        "picture": draw_week(WEEK),
        "empty_picture": draw_week([]),
        "page": Paginator(range(90), 10).page(4),
        "notes": [("success", "met"), ("error", "short"), ("warning", "at-risk"), ("info", "on-course")],
        "today": MONDAY,
    }
    return render(request, "scheduling/design.html", context, status=422 if is_refused else 200)
