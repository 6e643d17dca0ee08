"""Brings a clinic's own spreadsheets into the database: files → typed rows → rows of the database, whole or not at all."""

from scheduling.clinic_import.clinic import ImportResult, import_clinic
from scheduling.clinic_import.faults import Fault, ImportFailed

__all__ = ["Fault", "ImportFailed", "ImportResult", "import_clinic"]
