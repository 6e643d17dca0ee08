"""Rows of form fields for phone numbers and emergency contacts.

A patient's numbers and contacts fill the first rows. Below `MAX_PHONES`, there is an empty row for another number. There are
at least two rows for emergency contacts. To remove a number or a contact, the user clears its row.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from crispy_forms.layout import Fieldset, LayoutObject
from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.forms.layout import fields_row
from patients.forms.record.contact_fields import ANOTHER_PERSONS, PhoneField
from patients.models import PhoneKind

MIN_PHONE_ROWS = 2
MAX_PHONES = 10
"""Maximum number of phone rows for new numbers. Numbers that a merge brings together all have a row, even if they are more."""
MAX_EMERGENCY_CONTACTS = 2
PHONE_FIELDS = ("phone", "phone_kind", "leave_message")
EMERGENCY_FIELDS = ("emergency_name", "emergency_relationship", "emergency_phone")


def row_names(names: Sequence[str], number: int) -> list[str]:
    """Return the names of the fields in row `number`, for example "phone" in row 1 and "phone_2" in row 2."""
    return [name if number == 1 else f"{name}_{number}" for name in names]


class ContactRows:
    """The rows of one form. Their fields are added to the form, with the saved contacts as initial values.

    `posted` has the names of all fields that were posted, so that a refused form shows every row that the user saw.
    """

    def __init__(self, form: forms.Form, saved: Contacts, posted: Collection[str]) -> None:
        self.form = form
        self.phone_rows = [
            number
            for number in range(1, max(MAX_PHONES, len(saved.phones)) + 1)
            if number <= max(MIN_PHONE_ROWS, len(saved.phones) + 1) or f"phone_{number}" in posted
        ]
        self.emergency_rows = range(1, max(MAX_EMERGENCY_CONTACTS, len(saved.emergency)) + 1)
        for number in self.phone_rows:
            phone = saved.phones[number - 1] if number <= len(saved.phones) else Phone("")
            self._add_fields(row_names(PHONE_FIELDS, number), _phone_fields(number, phone))
        for number in self.emergency_rows:
            is_saved = number <= len(saved.emergency)
            person = saved.emergency[number - 1] if is_saved else ContactPerson("", "", "")
            self._add_fields(row_names(EMERGENCY_FIELDS, number), _emergency_fields(number, person))

    def _add_fields(self, names: Sequence[str], fields: Sequence[forms.Field]) -> None:
        self.form.fields |= dict(zip(names, fields, strict=True))

    def phone_layout(self) -> LayoutObject:
        parts: list[object] = []
        for number in self.phone_rows:
            phone, kind, leave_message = row_names(PHONE_FIELDS, number)
            parts += [fields_row(phone, kind), leave_message]
        return Fieldset(_("Phone numbers"), *parts)

    def emergency_layout(self) -> LayoutObject:
        return Fieldset(
            _("Emergency contacts"),
            *(fields_row(*row_names(EMERGENCY_FIELDS, number)) for number in self.emergency_rows),
        )

    def check(self) -> None:
        """Add an error to the form for each row in which something is filled in, but a required field is not."""
        for names in (row_names(PHONE_FIELDS, number) for number in self.phone_rows):
            self._require(names, names[0], gettext("Enter the phone number, or clear the rest of the row."))
        for names in (row_names(EMERGENCY_FIELDS, number) for number in self.emergency_rows):
            name, _relationship, phone = names
            self._require(names, name, gettext("Enter the name of the emergency contact, or clear the row."))
            self._require(names, phone, gettext("Enter the phone number of the emergency contact, or clear the row."))

    def _require(self, names: Sequence[str], needed: str, error: str) -> None:
        given = self.form.cleaned_data
        says_something = any(given.get(name) or self.form.has_error(name) for name in names)
        if says_something and not given.get(needed) and not self.form.has_error(needed):
            self.form.add_error(needed, error)

    def values(self) -> Contacts:
        """Return the contacts in the rows. Call this only if the form is valid."""
        return Contacts(
            tuple(
                Phone(number=number, kind=kind, may_leave_message=may_leave_message)
                for number, kind, may_leave_message in self._filled(PHONE_FIELDS, self.phone_rows)
            ),
            tuple(ContactPerson(*given) for given in self._filled(EMERGENCY_FIELDS, self.emergency_rows)),
        )

    def _filled(self, fields: Sequence[str], rows: Collection[int]) -> Iterator[list[Any]]:
        for names in (row_names(fields, number) for number in rows):
            given = [self.form.cleaned_data[name] for name in names]
            if given[0]:
                yield given


def _phone_fields(number: int, phone: Phone) -> list[forms.Field]:
    text = _numbered(number)
    return [
        PhoneField(
            required=False,
            initial=phone.number,
            label=text(_("Phone"), _("Phone %(number)d")),
            widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        ),
        forms.ChoiceField(
            required=False,
            initial=phone.kind,
            label=text(_("Phone type"), _("Phone %(number)d type")),
            choices=[("", _("Not known")), *PhoneKind.choices],
        ),
        forms.BooleanField(
            required=False,
            initial=phone.may_leave_message,
            label=text(_("OK to leave a message"), _("OK to leave a message on phone %(number)d")),
            help_text=_("Only if the patient agreed. A message can reveal treatment.") if number == 1 else "",
        ),
    ]


def _emergency_fields(number: int, person: ContactPerson) -> list[forms.Field]:
    text = _numbered(number)
    return [
        forms.CharField(
            required=False,
            max_length=120,
            initial=person.name,
            label=text(_("Emergency contact"), _("Emergency contact %(number)d")),
            widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        ),
        forms.CharField(
            required=False,
            max_length=60,
            initial=person.relationship,
            label=text(_("Relationship"), _("Relationship of contact %(number)d")),
            help_text=_("For example: sister.") if number == 1 else "",
            widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        ),
        PhoneField(
            required=False,
            initial=person.phone,
            label=text(_("Contact’s phone"), _("Phone of contact %(number)d")),
            widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        ),
    ]


def _numbered(number: int) -> Callable[[Any, Any], Any]:
    """Return a function that chooses the label of the first row or of a later row, and fills in the row's number."""

    def text(first: Any, later: Any) -> Any:
        return first if number == 1 else later % {"number": number}

    return text
