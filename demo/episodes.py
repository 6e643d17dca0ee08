"""Who is in care in the demo clinic: in which track, since how many weeks, and what was prescribed."""

from dataclasses import dataclass

from demo.sign_ins import AT_RISK, IN_THE_SMALL_GROUP, NOTHING_FITS, OUT_OF_REACH, STEPPING_DOWN, THE_PATIENT, WAITING

INTENSIVE, HIGHER = "2.1", "2.5"
RESIDENTIAL = "Residential care, Willow Creek"

SMALL_TRACK = "S-SML"
"""Four places, all taken."""


@dataclass(frozen=True, slots=True)
class Course:
    """A stretch of care in one track, of weeks counted back from the present one. `weekday` is that of its first day."""

    patient: str
    track: str
    since_week: int
    minutes: int = 540
    days: int = 3
    level: str = INTENSIVE
    referral: str = "Own wish"
    weekday: int = 0
    until_week: int | None = None
    """The first week in which it is over."""


COURSES = (
    Course(THE_PATIENT, "N-AM", 6, referral="Harbor Family Practice"),
    Course(OUT_OF_REACH, "N-DAY", 5, 1500, 5, HIGHER, "St. Brigid's Hospital"),
    Course(STEPPING_DOWN, "N-DAY", 8, 1500, 5, HIGHER, RESIDENTIAL, until_week=3),
    Course(STEPPING_DOWN, "N-AM", 3),
    Course(AT_RISK, "N-AM", 4, referral="Employee assistance"),
    *(Course(patient, SMALL_TRACK, 7) for patient in IN_THE_SMALL_GROUP),
    Course("P006", "N-AM", 8),
    Course("P007", "N-DAY", 3, 1200, 4, HIGHER, RESIDENTIAL),
    Course("P008", "N-EVE", 5, referral="College counseling"),
    Course("P009", "N-AM", 8, until_week=2),
    Course("P010", "N-COD", 6),
    Course("P011", "N-EVE", 7, referral="Drug court"),
    Course("P012", "N-COD", 2, weekday=1),
    Course("P013", "N-AM", 5, referral="Dialysis center"),
    Course("P014", "N-COD", 8, referral=RESIDENTIAL),
    Course("P015", "N-EVE", 8),
    Course("P016", "N-AM", 2),
    Course("P017", "N-WKD", 6, referral="Employee assistance"),
    Course("P018", "N-WKD", 8),
    Course("P019", "N-EVE", 4),
    Course("P020", "N-AM", 7),
    Course("P021", "N-DAY", 6, 1200, 5, HIGHER, RESIDENTIAL),
    Course("P022", "N-AM", 1, weekday=2),
    Course("P023", "N-DAY", 2, 1500, 5, HIGHER, "St. Brigid's Hospital"),
    Course("P024", "N-AM", 8),
    Course("P025", "N-AM", 3),
    Course("P026", "N-COD", 5),
    Course("P027", "N-EVE", 6, referral="Probation"),
    Course("P028", "N-COD", 7),
    Course("P029", "N-EVE", 3),
    Course("P031", "N-EVE", 2, referral="Probation"),
    Course("P033", "N-WKD", 4),
    Course("P034", "N-EVE", 8, referral="Drug court"),
    Course("P040", "S-EVE", 6, 600, 4),
    Course("P041", "S-AM", 5),
    Course("P042", "S-AFT", 8, 720, 5),
    Course("P043", "S-AFT", 7, 600, 4, referral="Drug court"),
    Course("P044", "S-AFT", 3, 720, 5),
    Course("P045", "S-AFT", 6, 600, 4, referral="Dialysis center"),
    Course("P047", "S-EVE", 8, 600, 4),
    Course("P048", "S-AM", 4),
    Course("P049", "S-EVE", 5, 600, 4, referral="Probation"),
    Course("P050", "S-EVE", 2, 600, 4),
    Course("P051", "S-AFT", 5, 600, 4),
    Course("P052", "S-AM", 8),
    Course("P054", "S-AM", 6),
    Course("P056", "S-EVE", 1, 600, 4, referral="College counseling"),
    Course("P057", "S-AM", 3),
    Course("P058", "S-AFT", 4, 720, 5),
    Course("P059", "S-AFT", 1, 600, 4, referral="Probation", weekday=1),
)

COHORT_TRACK = "S-COD"
COHORT = ("P046", "P053", "P055")
"""They began on the track's last start date, each with two hours of their own a week."""

WAITING_FOR_A_PLACE = (NOTHING_FITS, WAITING, "P030", "P032", "P060")
"""To be admitted next week: a level is stated, no track is chosen yet."""
