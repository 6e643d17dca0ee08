from scheduling.models.booking import Booking, ReleaseCause
from scheduling.models.closure import Closure
from scheduling.models.counselor import CounselorHours
from scheduling.models.discharge import DischargeRecord
from scheduling.models.enrollment import Enrollment, EnrollmentMeeting
from scheduling.models.feed import Feed, FeedStyle
from scheduling.models.leave import LeaveOfAbsence
from scheduling.models.letter import Letter
from scheduling.models.meeting import FacilitatorPart, Meeting, MeetingFacilitator, Modality
from scheduling.models.service_type import ServiceType
from scheduling.models.session import Session, SessionFacilitator, SessionStatus
from scheduling.models.site import REASON_MAX_LENGTH, Room, RuleSet, Site
from scheduling.models.track import CohortStart, EntryMode, Track, TrackStatus
from scheduling.models.waitlist import Priority, WaitingEntry

__all__ = [
    "REASON_MAX_LENGTH",
    "Booking",
    "Closure",
    "CohortStart",
    "CounselorHours",
    "DischargeRecord",
    "Enrollment",
    "EnrollmentMeeting",
    "EntryMode",
    "FacilitatorPart",
    "Feed",
    "FeedStyle",
    "LeaveOfAbsence",
    "Letter",
    "Meeting",
    "MeetingFacilitator",
    "Modality",
    "Priority",
    "ReleaseCause",
    "Room",
    "RuleSet",
    "ServiceType",
    "Session",
    "SessionFacilitator",
    "SessionStatus",
    "Site",
    "Track",
    "TrackStatus",
    "WaitingEntry",
]
