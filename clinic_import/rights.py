"""Check whether the user of an import may import each row. The command `import_clinic` may import everything."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.permissions import Permission
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.faults import Fault
from clinic_import.reading.tables import ParsedTable
from patients.models import Patient
from scheduling.models import Site

BATCH = 500
FieldFault = tuple[str, str]
"""The name of a column and a sentence that says what is wrong in it."""
Tables = Mapping[str, ParsedTable[Any]]


def leave_out_forbidden_rows(tables: Tables, by: User) -> tuple[dict[str, ParsedTable[Any]], list[Fault]]:
    """Return the tables without the rows that the user may not import, and the faults of these rows.

    Rows of one file with the same fault are reported once, at the first of them.

    A row needs the permission of its type at each site that it names, and at the site of each patient that it names. A
    site that the files create is judged by its own row: whoever may add sites may import everything about the new site.
    """
    rights = ImportRights(by, tables)
    allowed: dict[str, ParsedTable[Any]] = {}
    found: dict[tuple[str, str, str], list[int]] = {}
    for name, table in tables.items():
        rows, faulty_rows = [], list(table.faulty_rows)
        for row in table.rows:
            fault = rights.fault_of(row)
            if fault is None:
                rows.append(row)
            else:
                found.setdefault((row.file, *fault), []).append(row.number)
                faulty_rows.append(row.code_cells())
        allowed[name] = replace(table, rows=tuple(rows), faulty_rows=faulty_rows)
    return allowed, [_fault_of_rows(*place, numbers) for place, numbers in found.items()]


def _fault_of_rows(file: str, column: str, sentence: str, numbers: list[int]) -> Fault:
    """Return one fault for the rows with these numbers."""
    first, *others = numbers
    if others:
        text = ngettext(
            "The same goes for %(number)d more row.", "The same goes for %(number)d more rows.", len(others)
        )
        sentence = f"{sentence} {text % {'number': len(others)}}"
    return Fault(file, first, column, sentence)


class ImportRights:
    """What a user may import, judged by the user's permissions at the sites of the records that the files mention."""

    def __init__(self, by: User, tables: Tables) -> None:
        self.by = by
        self._site_ids: dict[str, int] = dict(Site.objects.values_list("code", "pk"))
        self._granted: dict[Permission, frozenset[int | None]] = {}
        self._patient_sites: dict[str, int] = {}
        codes = {code for table in tables.values() for row in table.rows for code in _codes(row, "patients")}
        for batch in _batches(sorted(codes)):
            self._patient_sites.update(Patient.objects.filter(code__in=batch).values_list("code", "site"))
        self._people = _known_people(tables)

    def fault_of(self, row: ImportRow) -> FieldFault | None:
        """Return a fault if the user may not import the row.

        The fault reveals nothing about other sites, except that a code or email is in use there.
        """
        for column in row.columns():
            about = column.metadata["code_of"]
            for code in _codes_in(getattr(row, column.name)):
                fault = None
                if about == "sites":
                    fault = self._fault_at_site(row, code)
                elif about == "patients" and code in self._patient_sites:
                    fault = self._fault_of_patient(row, self._patient_sites[code], code)
                if fault is not None:
                    return column.name, fault
        return self._fault_of_person(row)

    def _may(self, permission: Permission, site_id: int | None) -> bool:
        """Return whether the user has the permission at the site, or at all sites if the id is None."""
        if permission not in self._granted:
            self._granted[permission] = self.by.sites_where(permission)
        return None in self._granted[permission] or site_id in self._granted[permission]

    def _fault_at_site(self, row: ImportRow, code: str) -> str | None:
        is_known = code in self._site_ids
        if code and not is_known and row.table != "sites":
            return None
        if self._may(row.permission, self._site_ids.get(code)):
            return None
        if not code:
            return _("Only an administrator of all sites can import people who work at every site.")
        if not is_known:
            return _("Only an administrator of all sites can add a site.")
        return _sentence(row.permission) % {"site": code}

    def _fault_of_patient(self, row: ImportRow, site_id: int, code: str) -> str | None:
        if self._may(row.permission, site_id):
            return None
        if row.table == "patients":
            return _("The code %(code)s is in use. Use another code.") % {"code": code}
        return _("You may not change a patient with the code %(code)s.") % {"code": code}

    def _fault_of_person(self, row: ImportRow) -> FieldFault | None:
        """Return a fault if the row changes a staff member who has a role at a site that the user does not administer."""
        for column, name in _people_of(row):
            if name not in self._people:
                continue
            sites = self._people[name]
            if sites and all(self._may(Permission.MANAGE_SITE, site) for site in sites):
                continue
            if any(self._may(Permission.MANAGE_SITE, site) for site in sites):
                sentence = _(
                    "%(name)s also works at other sites. Somebody who administers all of them can import this row."
                )
            elif row.table == "users":
                sentence = _(
                    "You may not invite this person. An administrator of all the person's sites can import this row."
                )
            elif "@" in name:
                sentence = _("The email address %(name)s is in use. Use another address.")
            else:
                sentence = _("The code %(name)s is in use. Use another code.")
            return column, sentence % {"name": name}
        return None


def _sentence(permission: Permission) -> str:
    if permission is Permission.MANAGE_PATIENTS:
        return _("You may not change patients of %(site)s. A coordinator of that site can import this row.")
    if permission is Permission.MANAGE_TIMETABLE:
        return _("You may not change the timetable of %(site)s. A coordinator of that site can import this row.")
    return _("You are not an administrator of %(site)s. An administrator of that site can import this row.")


def _codes(row: ImportRow, about: str) -> Iterable[str]:
    return (
        code
        for column in row.columns()
        if column.metadata["code_of"] == about
        for code in _codes_in(getattr(row, column.name))
    )


def _codes_in(value: object) -> Iterable[str]:
    """Yield the codes in a cell. For a pair of a role and a site, this is the site's code, which is empty for all sites."""
    if isinstance(value, tuple):
        yield from (each[1] if isinstance(each, tuple) else each for each in value)
    elif isinstance(value, str) and value:
        yield value


def _people_of(row: ImportRow) -> Iterable[tuple[str, str]]:
    """Yield the columns and names (code or email) of the staff member whom a row creates or changes."""
    names = {"staff": ("code", "email"), "users": ("staff",)}
    return ((column, name) for column in names.get(row.table, ()) if (name := _in_lower_case(getattr(row, column, ""))))


def _in_lower_case(name: str) -> str:
    return name.lower() if "@" in name else name


def _known_people(tables: Tables) -> dict[str, frozenset[int | None]]:
    """Map the codes and emails of existing users whom the files change to the ids of the sites where they have roles."""
    names = sorted({name for table in tables.values() for row in table.rows for _column, name in _people_of(row)})
    known: dict[str, frozenset[int | None]] = {}
    for batch in _batches(names):
        users = User.objects.alias(lower_email=Lower("email")).filter(Q(code__in=batch) | Q(lower_email__in=batch))
        for user in users.prefetch_related("role_assignments"):
            sites = frozenset(role.site_id for role in user.role_assignments.all())
            known[user.email.lower()] = sites
            if user.code:
                known[user.code] = sites
    return known


def _batches(items: list[str]) -> Iterable[list[str]]:
    return (items[begin : begin + BATCH] for begin in range(0, len(items), BATCH))
