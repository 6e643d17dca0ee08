"""Access checks that all views use. Also the home page, which redirects users to their own start pages."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from allauth.account import views as account_views
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.account.models import Login
from allauth.core import ratelimit
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.apps import apps
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.services.first_run import is_set_up
from accounts.services.known_devices import COOKIE, read_device

type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]


def signed_in(request: HttpRequest) -> User:
    """Return the signed-in user.

    Raises PermissionDenied if nobody is signed in. That can't happen in views that have one of this module's
    decorators.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def forbid_unless(allowed: bool) -> None:
    """Raise PermissionDenied (403) unless `allowed` is true.

    Views call this for rows that the user may see but might not be allowed to change.
    """
    if not allowed:
        raise PermissionDenied


FOR_ALL_SITES = "for_all_sites"
"""The reason of a PermissionDenied. For this reason, templates/403.html has a sentence."""


def forbid_unless_of_all_sites(user: User) -> None:
    """Raise PermissionDenied (403) unless the user is an administrator of all sites. The page shows the reason."""
    if not user.is_staff:
        raise PermissionDenied(FOR_ALL_SITES)


def is_patient(user: User) -> bool:
    """Whether the user is linked to a patient's record."""
    return hasattr(user, "patient")


def staff_required[**P](*permissions: Permission) -> Callable[[View[P]], View[P]]:
    """Require a signed-in user who has at least one of the permissions at some site.

    The decorator does not restrict rows. The view must select the rows that the user may see or change.
    """

    def decorate(view: View[P]) -> View[P]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            user = signed_in(request)
            forbid_unless(any(user.may_somewhere(permission) for permission in permissions))
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def patient_required[**P](view: View[P]) -> View[P]:
    """Require a signed-in user who is linked to a patient's record."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        forbid_unless(is_patient(signed_in(request)))
        return view(request, *args, **kwargs)

    return guarded


class ConfirmationNeeded(Exception):
    """Raised instead of a sensitive act if the user must first confirm who they are.

    `iopmanager/middleware/kept_form.py` keeps the form that was sent, and redirects the user to the page that asks.
    """


ASKS_AGAIN = "asks_again"
"""Name of an attribute of the views that have the decorator `confirmed_recently`."""


def require_confirmation(request: HttpRequest) -> None:
    """Raise ConfirmationNeeded if the user neither signed in nor confirmed who they are in the last 15 minutes."""
    if is_reauthentication_required(request, app="accounts"):
        raise ConfirmationNeeded


def confirmed_recently[**P](view: View[P]) -> View[P]:
    """Ask users again who they are before a sensitive act: one that gives or takes access, or exports many records.

    The decorator stands below those for permissions and methods, so that only those are asked who may use the page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        require_confirmation(request)
        return view(request, *args, **kwargs)

    setattr(guarded, ASKS_AGAIN, True)
    return guarded


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Redirect staff to the day page, patients to their week in the portal, and delegates to the schedules they may see.

    While there is no site, the first administrator is redirected to the checklist.
    """
    user = signed_in(request)
    if user.is_staff and not apps.get_model("scheduling", "Site").objects.exists():
        return redirect("getting-started")
    if user.has_any_role:
        return redirect("today")
    if is_patient(user):
        return redirect("portal-home")
    forbid_unless(apps.get_model("patients", "Delegate").objects.filter(user=user).exists())
    return redirect("shared-schedules")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show the accessibility statement, framed like the user's other pages. Visitors may see it, too."""
    user, frame = request.user, "components/plain.html"
    if isinstance(user, User) and user.has_any_role:
        frame = "staff.html"
    elif isinstance(user, User) and is_patient(user):
        frame = "portal.html"
    return render(request, "accessibility.html", {"frame": frame})


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect from the admin to the sign-in page. Raises PermissionDenied if the signed-in user may not use the admin."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))
    forbid_unless_of_all_sites(signed_in(request))
    return redirect("admin:index")


def sign_in(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
    """Show the sign-in page. While there is no user, redirect to the page that creates the first administrator."""
    if request.method == "GET" and not is_set_up():
        return redirect("set-up")
    if not _on_known_device(request) and not ratelimit.consume(request, action="sign_in"):
        limited: HttpResponse = ratelimit.respond_429(request)
        return limited
    page: HttpResponse = account_views.login(request, *args, **kwargs)
    return page


class ConfirmWithPasskeyView(ReauthenticateWebAuthnView):  # type: ignore[misc]  # its base has no types
    """Ask for a passkey before a sensitive action. If the passkey is refused, show the page again with advice."""

    def form_invalid(self, form: Form) -> HttpResponse:
        page: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return page

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return {**super().get_context_data(**kwargs), **kwargs}


confirm_with_passkey = ConfirmWithPasskeyView.as_view()


def sign_in_with_new_password(request: HttpRequest, user: User) -> HttpResponse:
    """Sign in a user who has just chosen a password, and redirect to the start page.

    A user who has a second factor is first asked for the second factor, as on the sign-in page.
    """
    page: HttpResponse = perform_password_login(request, {"email": user.email}, Login(user=user))
    return page


def _on_known_device(request: HttpRequest) -> bool:
    """Whether the person who signs in has signed in on this device before."""
    device = read_device(request.COOKIES.get(COOKIE, ""))
    return device is not None and device.knows(request.POST.get("login", ""))


def disabled_page(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
    """Return a 404 for a django-allauth page that this product does not offer."""
    raise Http404
