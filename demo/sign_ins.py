"""The sign-ins of the demo clinic, and the patients that show a certain situation."""

from dataclasses import dataclass

PASSWORD = "harbor-street-demo"


@dataclass(frozen=True, slots=True)
class SignIn:
    role: str
    email: str
    password: str = PASSWORD


SIGN_INS = (
    SignIn("coordinator", "coordinator@demo.example"),
    SignIn("clinician", "clinician@demo.example"),
    SignIn("administrator", "administrator@demo.example"),
    SignIn("reviewer", "reviewer@demo.example"),
    SignIn("patient", "patient@demo.example"),
)

PATIENT_WITH_SIGN_IN = "P001"
"""In the morning track, with a sign-in."""
NOTHING_FITS = "P002"
"""Two jobs, and children on weekends. The evening track would fit if Thursday's shift ended 15 minutes earlier."""
OUT_OF_REACH = "P003"
"""In hospital this week."""
STEPPING_DOWN = "P004"
"""Stepped down from residential care to the day program and then to the morning track."""
STEPPING_DOWN_SOON = "P021"
"""In the day program. A lower level of care starts in two weeks, and no enrollment is arranged for it yet."""
AT_RISK = "P005"
"""Missed a session this week; a make-up session is possible."""
ON_WAITLIST = "P035"
"""Only the small early track would fit, and it is full: on its waitlist."""
IN_THE_SMALL_GROUP = ("P036", "P037", "P038", "P039")
