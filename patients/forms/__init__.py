"""Text → typed values for the patient's record. Days given as last days become half-open here.

`blames` says beside which field a service's refusal, known by its code, is to be shown.
"""

from patients.forms.availability.commitments import CommitmentForm
from patients.forms.availability.places import PlaceForm
from patients.forms.availability.proposals import DECLINE, DecisionForm
from patients.forms.availability.week import WeekFormSet, WeekRowForm, week_initial
from patients.forms.calendars.calendar_files import CalendarFileForm, KeepCalendarForm
from patients.forms.care.episodes import EndingForm, HoursField, LastDayForm, LevelForm
from patients.forms.care.site_transfer import SiteForm
from patients.forms.layout import beside, laid_out
from patients.forms.record.person import PatientForm

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
