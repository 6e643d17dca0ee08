"""Arrange form fields with crispy-forms."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row


def form_layout(*rows: object) -> FormHelper:
    """Return a layout of form fields in rows. The template writes the form element around them."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*rows)
    return helper


def fields_row(*names: str) -> Row:
    """Return a row with the fields side by side, if the screen is wide enough."""
    return Row(*(Column(name, css_class="col-sm") for name in names))
