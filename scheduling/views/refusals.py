"""Views call services through these functions, which show what a service refused beside the field it is about."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django import forms
from django.contrib import messages
from django.forms.utils import ErrorDict
from django.http import HttpRequest

from scheduling.reason_text import reason_text
from timekeeping.reasons import Reason, Refused


class RefusableForm(Protocol):
    """A form that knows which field a reason is about: `reason_fields` maps a reason's code to a field's name."""

    fields: dict[str, forms.Field]

    @property
    def errors(self) -> ErrorDict: ...

    @property
    def reason_fields(self) -> Mapping[str, str]: ...

    def is_valid(self) -> bool: ...

    def add_error(self, field: str | None, error: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Saved[T]:
    """What a service returned. Always true, so that `if saved := submit_form(...)` works when a service returns None."""

    value: T

    def __bool__(self) -> bool:
        return True


def submit_form[T](request: HttpRequest, form: RefusableForm, service: Callable[[], T]) -> Saved[T] | None:
    """Call the service if the form was posted and is valid.

    Returns None if it was not, or if the service refused; the form then has the reasons as errors.
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
    """Call a service that a button without a form asks for, and turn the outcome into messages.

    `success` is the message, or makes it of what the service returned. Returns False if the service refused.
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
    """Add every reason to the form's errors: beside the field it is about, or above the form."""
    for reason in refused.reasons:
        field = form.reason_fields.get(reason.code)
        form.add_error(field if field in form.fields else None, reason_text(reason))


def show_field_reasons(form: RefusableForm, reasons: Iterable[Reason]) -> Sequence[Reason]:
    """Show each reason that is about one of the form's fields next to that field, and return the other reasons."""
    reasons = list(reasons)
    about_fields = [reason for reason in reasons if reason.code in form.reason_fields]
    show_refusal(form, Refused(about_fields))
    return [reason for reason in reasons if reason not in about_fields]
