"""Lay out the fields of a form with crispy-forms."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row


def form_layout(*rows: object) -> FormHelper:
    """Lay out rows of fields inside a form element that the template writes."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*rows)
    return helper


def fields_row(*names: str) -> Row:
    """Put fields beside each other if there is room."""
    return Row(*(Column(name, css_class="col-sm") for name in names))
