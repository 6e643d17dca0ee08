"""Decide who may open a page, and where each user is sent first."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import Permission

type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]


def signed_in(request: HttpRequest) -> User:
    """Return the signed-in user. Raises PermissionDenied if there is none, which can't happen behind the decorators below."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def forbid_unless(allowed: bool) -> None:
    """Raise PermissionDenied (403) unless the action is allowed, for a row that the user may see."""
    if not allowed:
        raise PermissionDenied


def is_patient(user: User) -> bool:
    """Whether a patient's record is linked to this sign-in."""
    return hasattr(user, "patient")


def staff_required[**P](*permissions: Permission) -> Callable[[View[P]], View[P]]:
    """Require sign-in, and one of the permissions at some site. The view decides which rows the user may use."""

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
    """Require sign-in, and that a patient's record is linked to it."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        forbid_unless(is_patient(signed_in(request)))
        return view(request, *args, **kwargs)

    return guarded


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Redirect staff to their day and patients to their own week."""
    user = signed_in(request)
    if user.has_any_role:
        return redirect("today")
    forbid_unless(is_patient(user))
    return redirect("portal-home")


def disabled_page(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
    """Answer 404 for a page of the sign-in package that this software doesn't use."""
    raise Http404
