from scheduling.models.booking import Booking
from scheduling.models.enrollment import Enrollment, EnrollmentMeeting
from scheduling.models.feed import Feed, FeedStyle
from scheduling.models.meeting import Meeting, MeetingFacilitator, Modality, Part
from scheduling.models.session import Session, SessionFacilitator, SessionStatus
from scheduling.models.site import Closure, Room, RuleSet, ServiceType, Site
from scheduling.models.track import CohortStart, Entry, Track, TrackStatus

__all__ = [
    "Booking",
    "Closure",
    "CohortStart",
    "Enrollment",
    "EnrollmentMeeting",
    "Entry",
    "Feed",
    "FeedStyle",
    "Meeting",
    "MeetingFacilitator",
    "Modality",
    "Part",
    "Room",
    "RuleSet",
    "ServiceType",
    "Session",
    "SessionFacilitator",
    "SessionStatus",
    "Site",
    "Track",
    "TrackStatus",
]
