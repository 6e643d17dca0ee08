"""Render a page with one form."""

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.audit import record
from accounts.models import Action
from accounts.views import signed_in
from iopmanager import clock
from scheduling.views.refusals import RefusableForm


def form_page(
    request: HttpRequest,
    form: RefusableForm,
    *,
    viewed: Model | None = None,
    detail: str = "",
    template: str = "patients/form.html",
    **context: object,
) -> HttpResponse:
    """Render the page, with status 422 if the form has errors. If `viewed` is given, record that the user saw this row.

    The default template needs `heading` and `save` (the text of the button), and may use `patient` and `note`.
    """
    if viewed is not None:
        record(viewed, by=signed_in(request), action=Action.VIEWED, at=clock.now(), detail=detail)
    return render(request, template, {"form": form, **context}, status=422 if form.errors else 200)
