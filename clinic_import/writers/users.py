"""Prepare the sign-ins of patients and staff members, and invite those whom the file says to invite.

The mail is put into the outbox in the transaction of the import. So a preview or an import with a fault sends none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action, Invitation, User
from accounts.services.invitations import EmailTaken, issue_invitation
from clinic_import.import_run import FieldChange, ImportRun
from clinic_import.reading.faults import Fault
from clinic_import.rows.person_rows import PatientRow
from clinic_import.rows.user_rows import SignInRow
from clinic_import.writers.care import batches
from patients.domain.languages import language_code
from patients.models import Patient
from scheduling.models import Site
from scheduling.services.administration.invitation_mail import mail_invitation
from scheduling.services.administration.portal_access import invite_patient
from timekeeping.reasons import Refused


@dataclass(slots=True)
class _KnownPeople:
    """The people in the file, and those of them who have been invited before."""

    patients: dict[str, Patient] = field(default_factory=dict)
    staff: dict[str, User] = field(default_factory=dict)
    """Staff members by code and by email."""
    emails: dict[str, int] = field(default_factory=dict)
    """Map the emails of the rows and of their patients to the ids of the users who sign in with them."""
    invited_patients: set[int] = field(default_factory=set)
    invited_users: set[int] = field(default_factory=set)
    rows: dict[str, SignInRow] = field(default_factory=dict)
    """The first row with each email."""
    people: dict[int, SignInRow] = field(default_factory=dict)
    """The first row of each staff member."""


def write_users(run: ImportRun) -> None:
    """Prepare the sign-ins in the file. Call this last, because people are invited only if no file has a fault.

    A patient without an email gets the one in the row, unless patients.csv of the same import says what the email is. People
    with `invite` get a link to choose a password if they have no account and have never been invited, so importing a file
    again invites nobody twice. It is a fault if somebody else signs in with the email. The fault does not say who.
    """
    given = run.tables.get(SignInRow.table)
    if given is None:
        return
    known = _load(given.rows)
    invitations: list[tuple[SignInRow, Patient | User, str]] = []
    for row in run.rows(SignInRow.table):
        found = _prepare_patient(run, row, known) if row.patient else _prepare_staff(run, row, known)
        if found is not None and row.invite:
            invitations.append((row, *found))
    if run.faults or not invitations:
        return
    if run.by is None:
        sentence = _("Invitations are sent in somebody's name. Import the file in a staff member's name (--by).")
        run.faults.append(Fault(run.file_of(SignInRow.table), 0, "", sentence))
        return
    for row, person, email in invitations:
        _invite(run, row, person, email, run.by)


def _load(rows: Sequence[SignInRow]) -> _KnownPeople:
    known = _KnownPeople()
    for batch in batches(sorted({row.patient for row in rows if row.patient})):
        found = Patient.objects.filter(code__in=batch).select_related("site", "user")
        known.patients.update((each.code, each) for each in found)
    for batch in batches(sorted({row.staff for row in rows if row.staff})):
        users = User.objects.alias(lower=Lower("email")).filter(
            Q(code__in=batch) | Q(lower__in=batch), role_assignments__isnull=False
        )
        for user in users.distinct():
            known.staff.update((name, user) for name in (user.code, user.email.lower()) if name)
    emails = {row.email for row in rows} | {each.email.lower() for each in known.patients.values()}
    for batch in batches(sorted(emails - {""})):
        accounts = User.objects.annotate(lower=Lower("email")).filter(lower__in=batch)
        known.emails.update(accounts.values_list("lower", "pk"))
    patient_ids = [each.pk for each in known.patients.values()]
    user_ids = sorted({each.pk for each in known.staff.values()})
    for ids in batches(patient_ids):
        invited = Invitation.objects.filter(patient__in=ids).values_list("patient_id", flat=True)
        known.invited_patients.update(each for each in invited if each is not None)
    for ids in batches(user_ids):
        invited = Invitation.objects.filter(user__in=ids).values_list("user_id", flat=True)
        known.invited_users.update(each for each in invited if each is not None)
    return known


def _prepare_patient(run: ImportRun, row: SignInRow, known: _KnownPeople) -> tuple[Patient, str] | None:
    """Check the row, and save the email of a patient who has none. Return both if the patient can be invited."""
    patient = run.find(row, "patient", "patients", {"code": row.patient}, known.patients)
    if patient is None:
        return None
    email = row.email or patient.email.lower()
    is_known = patient.user_id is not None or patient.pk in known.invited_patients
    if (row.email or (row.invite and not is_known)) and not _is_free(run, row, email, patient.user_id, known):
        return None
    if row.email and not patient.email and not _states_email(run, patient):
        patient.email = row.email
        patient.save(update_fields=["email"])
        run.note(row, is_new=False, fields=(FieldChange("email", "nothing", row.email),))
        record(patient, by=run.by, action=Action.IMPORTED, at=run.now, detail="email")
    if is_known:
        return None
    if row.invite and not email:
        run.add_fault(row, "email", _("An invitation needs an email address. Fill it in, or enter no under invite."))
        return None
    return patient, email


def _states_email(run: ImportRun, patient: Patient) -> bool:
    """Return whether patients.csv of this import says which email the patient has, or that there is none."""
    given = run.tables.get(PatientRow.table)
    return given is not None and any(row.code == patient.code and "email" not in row.absent for row in given.rows)


def _prepare_staff(run: ImportRun, row: SignInRow, known: _KnownPeople) -> tuple[User, str] | None:
    """Check the row, and save the language. Return the staff member and the email if this person can be invited."""
    user = known.staff.get(row.staff)
    if user is None:
        if run.is_faulty("staff", {"email" if "@" in row.staff else "code": row.staff}):
            run.mark_faulty(row)
        else:
            sentence = _("“%(name)s” is not a code or email of anyone in %(file)s or in the database.")
            run.add_fault(row, "staff", sentence % {"name": row.staff, "file": run.file_of("staff")})
        return None
    if (earlier := known.people.setdefault(user.pk, row)) is not row:
        sentence = _("Row %(row)s is about the same person. Remove one of the rows.")
        run.add_fault(row, "staff", sentence % {"row": earlier.number})
        return None
    email = user.email.lower()
    if row.email and row.email != email:
        sentence = _("%(name)s signs in with %(email)s. Leave this blank, or change the email in %(file)s.")
        values = {"name": user.name, "email": email, "file": run.file_of("staff")}
        run.add_fault(row, "email", sentence % values)
        return None
    if not _is_free(run, row, email, user.pk, known):
        return None
    if row.language and row.language != user.language:
        change = FieldChange("language", user.language or "nothing", row.language)
        user.language = row.language
        user.save(update_fields=["language"])
        run.note(row, is_new=False, fields=(change,))
        record(user, by=run.by, action=Action.IMPORTED, at=run.now, detail="language")
    if user.pk in known.invited_users or (user.is_active and user.has_usable_password()):
        return None
    if row.invite and not user.is_active:
        sentence = _("The account of %(name)s is off. Turn it on first, or enter no under invite.")
        run.add_fault(row, "invite", sentence % {"name": user.name})
        return None
    return user, email


def _is_free(run: ImportRun, row: SignInRow, email: str, user_id: int | None, known: _KnownPeople) -> bool:
    """Return whether the email belongs to nobody else. If not, add a fault that names nobody."""
    if not email:
        return True
    if known.emails.get(email, user_id) != user_id:
        run.refuse(row, "email", Refused([EmailTaken(email)]))
        return False
    if (earlier := known.rows.setdefault(email, row)) is not row:
        run.add_fault(row, "email", _("Row %(row)s has the same email.") % {"row": earlier.number})
        return False
    return True


def _invite(run: ImportRun, row: SignInRow, person: Patient | User, email: str, by: User) -> None:
    if isinstance(person, Patient):
        invitation, token = invite_patient(patient=person, email=email, by=by, now=run.now)
    else:
        User.objects.select_for_update().get(pk=person.pk)
        invitation = Invitation(user=person, email=email)
        token = issue_invitation(invitation, by=by, now=run.now)
    zone = person.site.zone if isinstance(person, Patient) else _zone_of(person)
    language = row.language or (language_code(person.language) if isinstance(person, Patient) else person.language)
    link = settings.PUBLIC_URL + reverse("join", args=[token])
    mail_invitation(invitation, link=link, language=language or settings.LANGUAGE_CODE, zone=zone)
    run.note(row, is_new=False, fields=(FieldChange("invite", "nothing", email),))


def _zone_of(user: User) -> tzinfo:
    """Return the time zone of a site at which the user works."""
    ids: Iterable[int] = [site for _role, site in user.assigned_roles if site is not None]
    sites = Site.objects.order_by("pk")
    site = sites.filter(pk__in=ids).first() or sites.first()
    assert site is not None, "a user with a role has a site"
    return site.zone
