"""Arrange form fields with crispy-forms."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row


def form_layout(*rows: object) -> FormHelper:
    """Return a layout of form fields in rows. It does not contain the form element, which the template writes."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*rows)
    return helper


def fields_row(*names: str) -> Row:
    """Return a row of fields. On a screen that is wide enough, the fields are side by side."""
    return Row(*(Column(name, css_class="col-sm") for name in names))
