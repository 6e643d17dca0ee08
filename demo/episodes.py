"""The demo clinic's patients in care: their tracks, start weeks and prescriptions."""

from dataclasses import dataclass

from demo.sign_ins import (
    AT_RISK,
    IN_THE_SMALL_GROUP,
    NOTHING_FITS,
    ON_WAITLIST,
    OUT_OF_REACH,
    PATIENT_WITH_SIGN_IN,
    STEPPING_DOWN,
)

INTENSIVE, HIGHER = "2.1", "2.5"
RESIDENTIAL = "Residential care, Willow Creek"

SMALL_TRACK = "S-SML"
"""Code of a track with four spots. All four spots are taken."""


@dataclass(frozen=True, slots=True)
class DemoEnrollment:
    """A patient's enrollment in one track. It begins on `weekday`. Weeks are counted back from the current week."""

    patient: str
    track: str
    since_week: int
    minutes: int = 540
    days: int = 3
    level: str = INTENSIVE
    referral: str = "Self"
    weekday: int = 0
    until_week: int | None = None
    """The first week after the enrollment ends, counted back from the current week.

    None if the enrollment is ongoing.
    """


DEMO_ENROLLMENTS = (
    DemoEnrollment(PATIENT_WITH_SIGN_IN, "N-AM", 6, referral="Harbor Family Practice"),
    DemoEnrollment(OUT_OF_REACH, "N-DAY", 5, 1500, 5, HIGHER, "St. Brigid's Hospital"),
    DemoEnrollment(STEPPING_DOWN, "N-DAY", 8, 1500, 5, HIGHER, RESIDENTIAL, until_week=3),
    DemoEnrollment(STEPPING_DOWN, "N-AM", 3),
    DemoEnrollment(AT_RISK, "N-AM", 4, referral="Employee assistance"),
    *(DemoEnrollment(patient, SMALL_TRACK, 7) for patient in IN_THE_SMALL_GROUP),
    DemoEnrollment("P006", "N-AM", 8),
    DemoEnrollment("P007", "N-DAY", 3, 1200, 4, HIGHER, RESIDENTIAL),
    DemoEnrollment("P008", "N-EVE", 5, referral="College counseling"),
    DemoEnrollment("P009", "N-AM", 8, until_week=2),
    DemoEnrollment("P010", "N-COD", 6),
    DemoEnrollment("P011", "N-EVE", 7, referral="Drug court"),
    DemoEnrollment("P012", "N-COD", 2, weekday=1),
    DemoEnrollment("P013", "N-AM", 5, referral="Dialysis center"),
    DemoEnrollment("P014", "N-COD", 8, referral=RESIDENTIAL),
    DemoEnrollment("P015", "N-EVE", 8),
    DemoEnrollment("P016", "N-AM", 2),
    DemoEnrollment("P017", "N-WKD", 6, referral="Employee assistance"),
    DemoEnrollment("P018", "N-WKD", 8),
    DemoEnrollment("P019", "N-EVE", 4),
    DemoEnrollment("P020", "N-AM", 7),
    DemoEnrollment("P021", "N-DAY", 6, 1200, 5, HIGHER, RESIDENTIAL),
    DemoEnrollment("P022", "N-AM", 1, weekday=2),
    DemoEnrollment("P023", "N-DAY", 2, 1500, 5, HIGHER, "St. Brigid's Hospital"),
    DemoEnrollment("P024", "N-AM", 8),
    DemoEnrollment("P025", "N-AM", 3),
    DemoEnrollment("P026", "N-COD", 5),
    DemoEnrollment("P027", "N-EVE", 6, referral="Probation"),
    DemoEnrollment("P028", "N-COD", 7),
    DemoEnrollment("P029", "N-EVE", 3),
    DemoEnrollment("P031", "N-EVE", 2, referral="Probation"),
    DemoEnrollment("P033", "N-WKD", 4),
    DemoEnrollment("P034", "N-EVE", 8, referral="Drug court"),
    DemoEnrollment("P040", "S-EVE", 6, 600, 4),
    DemoEnrollment("P041", "S-AM", 5),
    DemoEnrollment("P042", "S-AFT", 8, 720, 5),
    DemoEnrollment("P043", "S-AFT", 7, 600, 4, referral="Drug court"),
    DemoEnrollment("P044", "S-AFT", 3, 720, 5),
    DemoEnrollment("P045", "S-AFT", 6, 600, 4, referral="Dialysis center"),
    DemoEnrollment("P047", "S-EVE", 8, 600, 4),
    DemoEnrollment("P048", "S-AM", 4),
    DemoEnrollment("P049", "S-EVE", 5, 600, 4, referral="Probation"),
    DemoEnrollment("P050", "S-EVE", 2, 600, 4),
    DemoEnrollment("P051", "S-AFT", 5, 600, 4),
    DemoEnrollment("P052", "S-AM", 8),
    DemoEnrollment("P054", "S-AM", 6),
    DemoEnrollment("P056", "S-EVE", 1, 600, 4, referral="College counseling"),
    DemoEnrollment("P057", "S-AM", 3),
    DemoEnrollment("P058", "S-AFT", 4, 720, 5),
    DemoEnrollment("P059", "S-AFT", 1, 600, 4, referral="Probation", weekday=1),
)

COHORT_TRACK = "S-COD"
COHORT = ("P046", "P053", "P055")
"""Patients who started on the cohort track's most recent start date, each with two hours of individual sessions a week."""

NOT_YET_ENROLLED = (NOTHING_FITS, ON_WAITLIST, "P030", "P032", "P060")
"""Patients to be admitted next week. They have a level of care but no track yet."""
