"""Brings a clinic's own spreadsheets into the database: files → typed rows → rows of the database, whole or not at all."""

from scheduling.clinic_import.clinic import Outcome, import_clinic
from scheduling.clinic_import.faults import Fault, Faulty

__all__ = ["Fault", "Faulty", "Outcome", "import_clinic"]
