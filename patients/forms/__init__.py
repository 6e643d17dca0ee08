"""Text → typed values for the patient's record. Days given as last days become half-open here.

`blames` says beside which field a service's refusal, known by its code, is to be shown.
"""

from patients.forms.calendar import CalendarFileForm, KeepCalendarForm
from patients.forms.care import EndingForm, HoursField, LastDayForm, LevelForm
from patients.forms.commitment import CommitmentForm
from patients.forms.layout import beside, laid_out
from patients.forms.move import SiteForm
from patients.forms.person import PatientForm
from patients.forms.place import PlaceForm
from patients.forms.proposal import DECLINE, DecisionForm
from patients.forms.week import WeekFormSet, WeekRowForm, week_initial

__all__ = [
    "DECLINE",
    "CalendarFileForm",
    "CommitmentForm",
    "DecisionForm",
    "EndingForm",
    "HoursField",
    "KeepCalendarForm",
    "LastDayForm",
    "LevelForm",
    "PatientForm",
    "PlaceForm",
    "SiteForm",
    "WeekFormSet",
    "WeekRowForm",
    "beside",
    "laid_out",
    "week_initial",
]
