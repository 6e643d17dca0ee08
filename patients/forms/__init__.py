"""Text → typed values for the patient's record. Days given as last days become half-open here.

`blames` says beside which field a service's refusal, known by its code, is to be shown.
"""

from patients.forms.availability.commitments import CommitmentForm
from patients.forms.availability.places import PlaceForm
from patients.forms.availability.proposals import DECLINE, DecisionForm
from patients.forms.availability.week import WeekFormSet, WeekRowForm, week_initial
from patients.forms.calendars.calendar_files import CalendarFileForm, SaveCalendarForm
from patients.forms.care.episodes import DurationField, EndingForm, LastDayForm, LevelForm
from patients.forms.care.site_transfer import SiteTransferForm
from patients.forms.layout import fields_row, form_layout
from patients.forms.record.person import PatientForm

__all__ = [
    "DECLINE",
    "CalendarFileForm",
    "CommitmentForm",
    "DecisionForm",
    "DurationField",
    "EndingForm",
    "LastDayForm",
    "LevelForm",
    "PatientForm",
    "PlaceForm",
    "SaveCalendarForm",
    "SiteTransferForm",
    "WeekFormSet",
    "WeekRowForm",
    "fields_row",
    "form_layout",
    "week_initial",
]
