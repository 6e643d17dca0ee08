"""Form fields for how to reach somebody."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.domain.contacts import MAX_ADDRESS_LINES, clean_address, is_phone_number

ANOTHER_PERSONS = {"autocomplete": "off"}
"""Attributes of a field that staff fill in about a patient. The browser must not offer the user's own details there."""


def validate_phone(value: str) -> None:
    """Raise ValidationError if the text is not a phone number."""
    if not is_phone_number(value):
        raise ValidationError(_("This is not a phone number. Write it as (207) 555-0142."), code="phone")


class PhoneField(forms.CharField):
    """A phone number of at most 40 characters."""

    widget = forms.TextInput
    default_validators = [validate_phone]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})


class AddressField(forms.CharField):
    """An address of at most 4 lines and 200 characters."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 200, **kwargs})

    def to_python(self, value: Any) -> str:
        return clean_address(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value.splitlines()) > MAX_ADDRESS_LINES:
            raise ValidationError(
                _("Write the address on at most %(lines)d lines.") % {"lines": MAX_ADDRESS_LINES}, code="lines"
            )
