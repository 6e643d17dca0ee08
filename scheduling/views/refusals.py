"""Call services from views, and show the reasons for a refusal beside the form fields that they are about."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.forms.utils import ErrorDict
from django.http import HttpRequest

from scheduling.reason_text import reason_text
from timekeeping.reasons import Reason, Refused, RefusedFields


class RefusableForm(Protocol):
    """A form that can show refusals: `reason_fields` maps codes of reasons to names of fields."""

    fields: dict[str, forms.Field]
    is_bound: bool
    cleaned_data: dict[str, Any]

    @property
    def errors(self) -> ErrorDict: ...

    @property
    def reason_fields(self) -> Mapping[str, str]: ...

    def is_valid(self) -> bool: ...

    def add_error(self, field: str | None, error: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Saved[T]:
    """Wraps the result of a service that saved something. A Saved is truthy even if this result is falsy.

    A function that saved nothing returns None instead of a Saved.
    """

    value: T

    def __bool__(self) -> bool:
        return True


def submit_form[T](request: HttpRequest, form: RefusableForm, service: Callable[[], T]) -> Saved[T] | None:
    """Call the service if the form was posted and is valid.

    Return None if the service was not called, or if it refused. After a refusal, the form has the reasons as errors.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return Saved(service())
    except Refused as refused:
        show_refusal(form, refused)
        return None


def submit_button[T](
    request: HttpRequest,
    service: Callable[[], T],
    success: str | Callable[[T], str],
    *,
    refusal_level: int = messages.ERROR,
) -> bool:
    """Call the service behind a button that has no form, and show the outcome as messages.

    `success` is the message, or a function that makes it from the service's result. Return False if the service
    refused.
    """
    try:
        result = service()
    except Refused as refused:
        for reason in refused.reasons:
            messages.add_message(request, refusal_level, reason_text(reason))
        return False
    messages.success(request, success if isinstance(success, str) else success(result))
    return True


def show_refusal(form: RefusableForm, refused: Refused) -> None:
    """Add each reason that is about a form field to the errors of that field. Other reasons become errors of the form."""
    if isinstance(refused, RefusedFields):
        for name, reasons in refused.by_field.items():
            for reason in reasons:
                form.add_error(name if name in form.fields else None, reason_text(reason))
        return
    for reason in refused.reasons:
        field = form.reason_fields.get(reason.code)
        form.add_error(field if field in form.fields else None, reason_text(reason))


def show_field_reasons(form: RefusableForm, reasons: Iterable[Reason]) -> Sequence[Reason]:
    """Add each reason that is about a form field to the errors of that field. Return the other reasons."""
    reasons = list(reasons)
    about_fields = [reason for reason in reasons if reason.code in form.reason_fields]
    show_refusal(form, Refused(about_fields))
    return [reason for reason in reasons if reason not in about_fields]
