"""Form fields that say who takes a staff member's groups and sessions, and from which day on."""

from collections.abc import Iterable, Sequence
from datetime import date

from django import forms
from django.utils.translation import gettext as _

from accounts.models import User
from iopmanager.form_fields import DayField
from scheduling.formats import clock, day, weekday
from scheduling.models import Meeting, Session
from scheduling.services.administration.handover import Candidates, Handover, group_key, session_key

FROM_DAY, NOBODY = "from_day", "nobody"


def handover_fields(candidates: Sequence[Candidates], today: date) -> dict[str, forms.Field]:
    """Return the fields by name: the first day, and a choice for each group and session.

    Return an empty dict if there are no groups or sessions.
    """
    if not candidates:
        return {}
    fields: dict[str, forms.Field] = {
        FROM_DAY: DayField(
            label=_("From"),
            required=False,
            initial=today,
            help_text=_("Groups and sessions before this day do not change."),
        )
    }
    for each in candidates:
        fields[_key(each.of)] = forms.ChoiceField(label=_label(each.of), choices=_choices(each), required=False)
    return fields


def read_handover(form: forms.Form, candidates: Iterable[Candidates], today: date) -> Handover:
    """Return who takes which groups and sessions, as chosen in the form. The form must be valid."""
    people = {str(person.pk): person for each in candidates for person in (*each.free, *each.busy)}
    typed = {_key(each.of): form.cleaned_data.get(_key(each.of)) for each in candidates}
    takers: dict[str, User | None] = {key: people.get(choice) for key, choice in typed.items() if choice}
    return Handover(from_day=form.cleaned_data.get(FROM_DAY) or today, takers=takers)


def _key(item: Meeting | Session) -> str:
    return session_key(item) if isinstance(item, Session) else group_key(item)


def _label(item: Meeting | Session) -> str:
    if isinstance(item, Session):
        shown = {"session": item.name, "on": day(item.on), "time": clock(item.starts, item.site.zone)}
        return _("Who takes %(session)s on %(on)s, %(time)s?") % shown
    shown = {"group": item.name, "weekday": weekday(item.weekday), "time": clock(item.starts)}
    return _("Who takes %(group)s (%(weekday)s, %(time)s)?") % shown


def _choices(candidates: Candidates) -> list[tuple[str, object]]:
    """Return the choices. People who are free at the time come first. Busy people follow under a heading of their own."""
    choices: list[tuple[str, object]] = [("", _("Leave as it is")), (NOBODY, _("Nobody yet"))]
    for label, people in ((_("Free then"), candidates.free), (_("Busy at least once"), candidates.busy)):
        if people:
            choices.append((label, [(str(person.pk), str(person)) for person in people]))
    return choices
