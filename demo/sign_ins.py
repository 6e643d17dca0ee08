"""The demo clinic's sign-ins, and the patients who demonstrate particular situations."""

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
"""Code of a patient who can sign in and is enrolled in the morning track."""
NOTHING_FITS = "P002"
"""Code of a patient for whom no track fits, because the patient has two jobs and looks after children on weekends.

The evening track would fit if Thursday's shift ended 15 minutes earlier.
"""
OUT_OF_REACH = "P003"
"""Code of a patient who is in the hospital this week and therefore can't meet this week's prescribed hours."""
STEPPING_DOWN = "P004"
"""Code of a patient who came from residential care into the day program, and has since moved to the morning track."""
STEPPING_DOWN_SOON = "P021"
"""Code of a patient in the day program who steps down in two weeks, but is not enrolled for the lower level yet."""
AT_RISK = "P005"
"""Code of a patient who missed a session this week and can still attend a make-up session."""
ON_WAITLIST = "P035"
"""Code of a patient for whom only the small early track fits. The track is full, so the patient is on its waitlist."""
IN_THE_SMALL_GROUP = ("P036", "P037", "P038", "P039")
