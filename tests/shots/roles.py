"""Who sees pages: the demo clinic's users, visitors who are not signed in, a delegate, and the first user of a new clinic."""

from datetime import timedelta

from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from accounts.services.first_run import set_up_code
from demo.sign_ins import NOTHING_FITS, PASSWORD, SIGN_INS
from iopmanager import clock
from patients.models import Consent, Delegate, Patient
from scheduling.services.administration.portal_access import invite_patient
from scheduling.services.administration.staff import invite_staff
from tests.second_factor import app_code
from tests.shots.walk import Camera, choose_language, pages_of, sign_in

DELEGATE = "delegate@demo.example"
FIRST_USER = "first@clinic.example"


def take_signed_in(camera: Camera) -> None:
    """Photograph all pages of each user of the demo clinic. Pages that several users have are taken for each of them."""
    for role, email in [*((each.role, each.email) for each in SIGN_INS), ("delegate", DELEGATE)]:
        page = camera.open_page()
        sign_in(page, camera.base, email, PASSWORD)
        paths = pages_of(page, camera.base)
        choose_language(page, camera.base, paths, camera.language)
        state = page.context.storage_state()
        page.context.close()
        camera.take_pages(role, paths, state)


def take_visitor(camera: Camera) -> None:
    """Photograph the pages that people see before they are signed in: to sign in, to accept an invitation, and so on."""
    page = camera.open_page()
    paths = pages_of(page, camera.base)
    page.context.close()
    del paths["home"]  # redirects to the sign-in page
    done = ("account_reset_password_done", "account_reset_password_from_key_done", "account_inactive")
    camera.take_pages("visitor", paths | {name: reverse(name) for name in done} | _secret_links(camera.language))


def _secret_links(language: str) -> dict[str, str]:
    """Make links to choose a password: two invitations and a reset. Add links that are not valid."""
    administrator = User.objects.get(email="administrator@demo.example")
    patient = Patient.objects.get(code=NOTHING_FITS)
    patient.language = language  # the invitation is in the patient's language
    patient.save(update_fields=["language"])
    posts = [(Role.CLINICIAN, patient.site_id)]
    staff = invite_staff(
        name="Ada Park", email="ada@demo.example", roles=posts, by_mail=False, by=administrator, now=clock.now()
    )
    invited = invite_patient(patient=patient, email="", by=administrator, now=clock.now())
    user = User.objects.get(email=DELEGATE)
    reset = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return {
        "join-staff": reverse("join", args=[staff[1]]),
        "join-patient": reverse("join", args=[invited[1]]),
        "join-unknown": reverse("join", args=["unknown"]),
        "account_reset_password_from_key": reverse("account_reset_password_from_key", kwargs=reset),
        "account_reset_password_from_key-invalid": reverse(
            "account_reset_password_from_key", kwargs=reset | {"key": "used-before"}
        ),
        "not-found": "/no-such-page/",
    }


def add_delegate() -> None:
    """Add a person who may see the schedule of the demo patient with a sign-in."""
    coordinator = User.objects.get(email="coordinator@demo.example")
    patient = Patient.objects.select_related("site").get(user__email="patient@demo.example")
    patient.site.allows_delegates = True
    patient.site.save(update_fields=["allows_delegates"])
    today = patient.site.today_at(clock.now())
    consent = Consent.objects.create(
        patient=patient,
        recipient="Robin Vale",
        recipient_kind="other",
        purpose="Rides to the clinic",
        signed_on=today,
        valid_until=today + timedelta(days=90),
        recorded_by=coordinator,
    )
    user = User.objects.create_user(DELEGATE, PASSWORD, name="Robin Vale")
    Delegate.objects.create(patient=patient, user=user, consent=consent, since=clock.now(), given_by=coordinator)


def take_first_user(camera: Camera) -> None:
    """Photograph how a new clinic begins: the first administrator, two-step sign-in, and pages that have no rows yet.

    The camera's server must serve an empty clinic.
    """
    role, base = "first-user", camera.base
    camera.take_pages(role, {"set-up": reverse("set-up")})
    page = camera.open_page()
    page.goto(base + reverse("set-up"))
    for name, value in (("code", set_up_code()), ("email", FIRST_USER), ("name", "Ada Park"), ("password", PASSWORD)):
        page.fill(f"[name={name}]", value)
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")
    # All other pages redirect to these.
    without_factor = {name: path for name, path in pages_of(page, base).items() if name.startswith("mfa_")}
    camera.take_pages(f"{role}-without-factor", without_factor, page.context.storage_state())

    page.goto(base + reverse("mfa_activate_totp"))
    secret = page.locator("code").first.text_content() or ""
    page.fill("[name=code]", app_code(secret.strip()))
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")
    camera.take_open_page(role, "recovery-codes", page)
    confirm = {name: f"{reverse(name)}?next=/" for name in ("account_reauthenticate", "mfa_reauthenticate")}
    camera.take_pages(role, pages_of(page, base) | confirm, page.context.storage_state())
    page.context.close()

    page = camera.open_page()
    sign_in(page, base, FIRST_USER, PASSWORD)
    camera.take_pages("visitor", {"mfa_authenticate": reverse("mfa_authenticate")}, page.context.storage_state())
    page.context.close()
