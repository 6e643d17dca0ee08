"""Answer a correction that is sent again after it was saved, for example by a double click: lead back to the chart."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise

from accounts.models import Action, AuditEvent
from accounts.views import View, signed_in
from patients.access import patient_managed_by


def chart_if_removed[**P](kind: type[Model], removed: str | Promise) -> Callable[[View[P]], View[P]]:
    """Redirect a form to the chart, with the sentence `removed`, if a correction has removed the record that it is about.

    The view is called with the id of the record as its only keyword argument. The audit trail says whose record it was.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except (Http404, ObjectDoesNotExist):
                removal = _removal(kind, *kwargs.values()) if request.method == "POST" else None
                if removal is None or removal.patient_key is None:
                    raise
                patient = patient_managed_by(signed_in(request), removal.patient_key)
                messages.info(request, str(removed))
                return redirect("patient", patient.pk)

        return answer

    return decorate


def _removal(kind: type[Model], key: Any) -> AuditEvent | None:
    """Return the correction that removed the record, or None if the record exists or never existed."""
    if kind._default_manager.filter(pk=key).exists():
        return None
    corrections = AuditEvent.objects.filter(
        action=Action.CORRECTED, subject_kind=kind._meta.model_name, subject_key=key
    )
    return corrections.first()
