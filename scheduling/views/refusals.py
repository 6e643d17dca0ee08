"""Shows what a service refused where it was typed."""

from collections.abc import Mapping
from typing import Protocol

from django import forms

from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused


class RefusableForm(Protocol):
    """A form that knows which field a reason, by its code, is about."""

    fields: dict[str, forms.Field]

    @property
    def blames(self) -> Mapping[str, str]: ...

    def add_error(self, field: str | None, error: str) -> None: ...


def show_refusal(form: RefusableForm, refused: Refused) -> None:
    """Every reason in words beside the field it is about, or above the form."""
    for reason in refused.reasons:
        field = form.blames.get(reason.code)
        form.add_error(field if field in form.fields else None, reason_text(reason))
