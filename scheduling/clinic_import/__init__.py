"""Import a clinic's own CSV files: parse them into typed rows, then write all rows to the database or none."""

from scheduling.clinic_import.clinic import ImportResult, import_clinic
from scheduling.clinic_import.faults import Fault, ImportFailed

__all__ = ["Fault", "ImportFailed", "ImportResult", "import_clinic"]
