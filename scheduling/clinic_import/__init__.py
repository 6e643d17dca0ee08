"""Imports a clinic's own spreadsheets: files → typed rows → database rows, all of them or none."""

from scheduling.clinic_import.clinic import ImportResult, import_clinic
from scheduling.clinic_import.faults import Fault, ImportFailed

__all__ = ["Fault", "ImportFailed", "ImportResult", "import_clinic"]
