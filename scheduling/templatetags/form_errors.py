"""Template tag for the summary of a refused form: every error on a line of its own, with a link to its field."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django import forms, template
from django.utils.translation import gettext as _

from scheduling.reason_text import reason_text
from timekeeping.reasons import Reason

register = template.Library()


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One error. `label` and `target` (the id of an element) are empty if the error is about no field."""

    text: str
    label: str = ""
    target: str = ""


@register.simple_tag
def error_lines(
    form: forms.BaseForm | None = None,
    reasons: Iterable[Reason] = (),
    rows: "forms.BaseFormSet[forms.Form] | None" = None,
) -> list[ErrorLine]:
    """List the reasons for a refusal, the errors of a form, and the errors of the rows of a formset."""
    lines = [ErrorLine(reason_text(reason)) for reason in reasons or ()]
    if form and form.is_bound:
        lines += _form_lines(form)
    if rows and rows.is_bound:
        lines += [ErrorLine(str(error)) for error in rows.non_form_errors()]
        for number, row in enumerate(rows.forms, start=1):
            if row.errors and not row.cleaned_data.get("DELETE"):
                lines += _form_lines(row, row_number=number)
    return lines


def _form_lines(form: forms.BaseForm, row_number: int = 0) -> Iterator[ErrorLine]:
    """Yield the errors of the whole form, then the errors of hidden fields, then the errors of visible fields."""
    for error in form.non_field_errors():
        if row_number:
            row = _("Row %(number)d") % {"number": row_number}
            yield ErrorLine(str(error), row, _target(form.visible_fields()[0]))
        else:
            yield ErrorLine(str(error))
    for field in form.hidden_fields():
        yield from (ErrorLine(str(error)) for error in field.errors)
    for field in form.visible_fields():
        label = str(field.label)
        if row_number:
            label = _("Row %(number)d, %(field)s") % {"number": row_number, "field": label}
        yield from (ErrorLine(str(error), label, _target(field)) for error in field.errors)


def _target(field: forms.BoundField) -> str:
    """Return the id of the field's input. For radio buttons and checkboxes, it is the id of the first one."""
    if isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return f"{field.auto_id}_0"
    return field.id_for_label or field.auto_id
