"""Form fields for how to reach somebody."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.domain.contacts import is_phone_number


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
