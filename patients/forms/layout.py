"""How the fields of a form lie."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row


def form_layout(*rows: object) -> FormHelper:
    """Fields in rows, inside a form element that the page writes."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*rows)
    return helper


def fields_row(*names: str) -> Row:
    """Fields beside each other where there is room."""
    return Row(*(Column(name, css_class="col-sm") for name in names))
