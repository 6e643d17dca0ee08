"""Who signs in to the demo clinic, and the patients with a story."""

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
"""Two jobs, and children at the weekend: the evenings would do, if Thursday's shift ended a quarter of an hour earlier."""
OUT_OF_REACH = "P003"
"""In hospital this week."""
STEPPING_DOWN = "P004"
"""From residential care through the day program down to the morning track."""
STEPPING_DOWN_SOON = "P021"
"""In the day program; in two weeks the lower level begins, for which nothing is arranged yet."""
AT_RISK = "P005"
"""Missed a session this week that another could make up for."""
ON_WAITLIST = "P035"
"""Only the early small group would fit, and it is full: on its waiting list."""
IN_THE_SMALL_GROUP = ("P036", "P037", "P038", "P039")
