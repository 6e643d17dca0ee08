"""Row type for the file of people who are to sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from clinic_import.reading.cells import read_code, read_email, read_text, read_yes_no
from clinic_import.reading.columns import ImportRow, RowErrors, optional
from clinic_import.rows.episode_rows import PATIENT_TITLES
from patients.domain.languages import LANGUAGE_NAMES, language_code


def read_language(cell: str) -> str:
    """Read the name or the code of a language in which the product has pages, and return its code."""
    code = language_code(cell)
    if code is None:
        languages = ", ".join(LANGUAGE_NAMES.values())
        raise ValueError(
            _("The pages are not available in “%(cell)s”. Use one of these: %(languages)s.")
            % {"cell": cell, "languages": languages}
        )
    return code


def read_person(cell: str) -> str:
    """Read the code or the email of a person, and return an email in lower case."""
    return read_text(254)(cell.lower() if "@" in cell else cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRow(ImportRow):
    """A patient or a staff member who is to sign in.

    `permission` is for rows about patients. A row about a staff member needs an administrator of all the person's sites.
    """

    table: ClassVar[str] = "users"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "staff")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES | {"e_mail": "email", "invitation": "invite"}
    patient: str = optional(read_code, "", code_of="patients")
    staff: str = optional(read_person, "", code_of="staff")
    email: str = optional(read_email, "")
    language: str = optional(read_language, "")
    invite: bool = optional(read_yes_no, False)

    @property
    def label(self) -> str:
        return self.patient or self.staff

    def errors(self) -> RowErrors:
        if bool(self.patient) == bool(self.staff):
            yield (
                "patient",
                _("Enter either the code of a patient, or the code or email of a staff member under staff."),
            )
