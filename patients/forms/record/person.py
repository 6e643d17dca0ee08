"""Form for a patient's personal details."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import BIRTH_YEARS, DayField
from patients.domain.codes import clean_code
from patients.domain.contacts import Contacts
from patients.domain.languages import COMMON_LANGUAGES
from patients.forms.layout import fields_row, form_layout
from patients.forms.record.contact_fields import ANOTHER_PERSONS, AddressField
from patients.forms.record.contact_rows import ContactRows
from patients.forms.record.languages import english_name, language_name, language_name_lazy
from patients.models import Patient
from patients.services.record.person import PatientValues

NO_CONTACTS = Contacts()


class SuggestionInput(forms.TextInput):
    """Text input that suggests values. The user can also type any other text."""

    def __init__(self, suggestions: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suggestions = tuple(suggestions)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), "list": f"suggested-{name}"}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((each,) for each in self.suggestions))
        return field + format_html('<datalist id="suggested-{}">{}</datalist>', name, options)


class CodeField(forms.CharField):
    """One of the clinic's own codes, of at most 40 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})

    def to_python(self, value: Any) -> str:
        return clean_code(super().to_python(value) or "")


class PatientForm(forms.Form):
    """A patient's personal details with phone numbers and emergency contacts. The code of a new patient may be left blank."""

    reason_fields: ClassVar = {
        "code_taken": "code",
        "birth_date_in_future": "birth_date",
        "similar_patient": "another_person",
    }

    first_name = forms.CharField(
        max_length=80,
        required=False,
        label=_("First name"),
        widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        help_text=_("Leave the first or the last name blank if the patient has only one name."),
    )
    last_name = forms.CharField(
        max_length=80, required=False, label=_("Last name"), widget=forms.TextInput(attrs=ANOTHER_PERSONS)
    )
    preferred_name = forms.CharField(
        max_length=80,
        required=False,
        label=_("Preferred name"),
        widget=forms.TextInput(attrs=ANOTHER_PERSONS),
        help_text=_("What the patient likes to be called. Leave blank if it is the first name."),
    )
    code = CodeField(required=False, label=_("Code"), help_text=_("The clinic’s own code, for example P001."))
    birth_date = DayField(years=BIRTH_YEARS, label=_("Birth date"))
    language = forms.CharField(
        max_length=40,
        initial=language_name_lazy("English"),
        label=_("Language"),
        widget=SuggestionInput(map(language_name_lazy, COMMON_LANGUAGES), attrs=ANOTHER_PERSONS),
    )
    email = forms.EmailField(required=False, label=_("Email"), widget=forms.EmailInput(attrs=ANOTHER_PERSONS))
    address = AddressField(
        required=False, label=_("Address"), widget=forms.Textarea(attrs={"rows": 3, **ANOTHER_PERSONS})
    )
    travel_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        initial=0,
        label=_("Travel from home, in minutes"),
        help_text=_("One way, to the site."),
    )

    another_person = forms.BooleanField(required=False, label=_("Add a new record for another person"))
    """Shown only if there are similar patients."""

    def __init__(
        self, *args: Any, patient: Patient | None = None, contacts: Contacts = NO_CONTACTS, **kwargs: Any
    ) -> None:
        if patient is not None:
            kwargs["initial"] = {name: getattr(patient, name) for name in self.base_fields if hasattr(patient, name)}
            kwargs["initial"]["language"] = language_name(patient.language)
        self.stored_language = patient.language if patient is not None else ""
        super().__init__(*args, **kwargs)
        self.contact_rows = ContactRows(self, contacts, self.data)
        if patient is None:
            self.fields["code"].help_text = _(
                "The clinic’s own code. Leave blank to give the patient the next free one."
            )
        else:
            self.fields["code"].required = True
        self.fields["birth_date"].widget.attrs |= ANOTHER_PERSONS
        self.helper = form_layout(
            fields_row("first_name", "last_name"),
            fields_row("preferred_name", "code"),
            fields_row("birth_date", "language"),
            self.contact_rows.phone_layout(),
            fields_row("email", "travel_minutes"),
            "address",
            self.contact_rows.emergency_layout(),
        )

        if self["another_person"].data:
            self._show_another_person()

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, and show the question about similar patients if the error is about them."""
        if field == "another_person" and not self.has_error(field):
            self._show_another_person()
        super().add_error(field, error)

    def _show_another_person(self) -> None:
        self.helper.layout.append("another_person")

    def clean_language(self) -> str:
        """Return the name of the language in English, or the stored name if the user left the field as it was shown."""
        typed: str = self.cleaned_data["language"]
        return self.stored_language if typed == language_name(self.stored_language) else english_name(typed)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if (
            not given.get("first_name")
            and not given.get("last_name")
            and not {"first_name", "last_name"} & {*self.errors}
        ):
            self.add_error("first_name", gettext("Enter a first name or a last name."))
        self.contact_rows.check()
        return given

    def values(self) -> PatientValues:
        details = {name: self.cleaned_data[name] for name in self.base_fields if name != "another_person"}
        return PatientValues(**details)

    def contacts(self) -> Contacts:
        return self.contact_rows.values()
