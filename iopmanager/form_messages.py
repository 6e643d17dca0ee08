"""The product's own texts for Django's form fields and validators."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core import validators
from django.db import models
from django.db.models import fields
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

Messages = Mapping[str, Any]  # each value is a string or a lazy translation

NOTHING_CHOSEN = _("Choose an option")  # the first option of a list, as long as nothing is chosen
CHOOSE_ONE = _("Choose an option.")
CHOOSE_SOME = _("Choose at least one option.")
CHOOSE_FILE = _("Choose a file.")
ENTER_NUMBER = _("Enter a number.")
ENTER_DATE, ENTER_TIME, ENTER_MOMENT = _("Enter a date."), _("Enter a time."), _("Enter a date and a time.")
NOT_AVAILABLE = _("This option is not available any more. Choose another one.")
NOT_AN_OPTION = _("“%(value)s” is not one of the options. Choose another one.")

FIELD_MESSAGES: Mapping[type[forms.Field], Messages] = {
    forms.Field: {"required": _("Fill in this field.")},
    forms.BooleanField: {"required": _("Check this box to continue.")},
    forms.ChoiceField: {"required": CHOOSE_ONE, "invalid_choice": NOT_AN_OPTION},
    forms.MultipleChoiceField: {
        "required": CHOOSE_SOME,
        "invalid_choice": NOT_AN_OPTION,
        "invalid_list": CHOOSE_SOME,
    },
    forms.ModelChoiceField: {
        "required": CHOOSE_ONE,
        "invalid_choice": NOT_AVAILABLE,
    },
    forms.ModelMultipleChoiceField: {
        "required": CHOOSE_SOME,
        "invalid_choice": NOT_AN_OPTION,
        "invalid_list": CHOOSE_SOME,
        "invalid_pk_value": NOT_AVAILABLE,
    },
    forms.DateField: {"required": ENTER_DATE, "invalid": ENTER_DATE},
    forms.TimeField: {"required": ENTER_TIME, "invalid": ENTER_TIME},
    forms.DateTimeField: {"required": ENTER_MOMENT, "invalid": ENTER_MOMENT},
    forms.IntegerField: {"required": ENTER_NUMBER, "invalid": _("Enter a whole number.")},
    forms.SlugField: {"invalid": _("Use only the letters a to z, numbers, hyphens and underscores.")},
    forms.EmailField: {
        "required": _("Enter an email address."),
        "invalid": _("Enter a whole email address, such as name@example.com."),
    },
    forms.URLField: {"required": _("Enter a link."), "invalid": _("Enter a link that starts with https://.")},
    forms.FileField: {
        "required": CHOOSE_FILE,
        "invalid": CHOOSE_FILE,
        "missing": CHOOSE_FILE,
        "empty": _("This file is empty. Choose another one."),
    },
}
MODEL_FIELD_MESSAGES: Messages = {
    "null": _("Fill in this field."),
    "blank": _("Fill in this field."),
    "unique": _("Another %(model_name)s already has this %(field_label)s."),
}
VALIDATOR_MESSAGES: Mapping[type[Any], Any] = {
    validators.MinValueValidator: _("Enter %(limit_value)s or more."),
    validators.MaxValueValidator: _("Enter %(limit_value)s or less."),
    validators.MinLengthValidator: ngettext_lazy(
        "Use at least %(limit_value)d character.",
        "Use at least %(limit_value)d characters.",
        "limit_value",
    ),
    validators.MaxLengthValidator: ngettext_lazy(
        "Use at most %(limit_value)d character. There are %(show_value)d now.",
        "Use at most %(limit_value)d characters. There are %(show_value)d now.",
        "limit_value",
    ),
    validators.ProhibitNullCharactersValidator: _("This text has a character that we can’t save. Type it again."),
}


def install_form_messages() -> None:
    """Replace the error messages of Django's form fields and validators, and the label of the empty option in lists.

    Call this before any form is defined, since fields copy the texts.
    """
    fields.BLANK_CHOICE_LABEL = NOTHING_CHOSEN
    for field, messages in FIELD_MESSAGES.items():
        field.default_error_messages = {**field.__dict__.get("default_error_messages", {}), **messages}
    models.Field.default_error_messages = {**models.Field.default_error_messages, **MODEL_FIELD_MESSAGES}
    for validator, message in VALIDATOR_MESSAGES.items():
        validator.message = message
