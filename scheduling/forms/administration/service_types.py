"""Form for a type of service."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.layout import form_layout
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.models import ServiceType


class ServiceTypeForm(ActionForm):
    reason_fields: ClassVar = {"service_type_taken": "name", "service_type_in_use": "countable"}

    name = forms.CharField(label=_("Name"), max_length=80)
    countable = forms.BooleanField(label=_("Sessions of this type count toward weekly hours"), required=False)

    def __init__(self, *args: Any, service_type: ServiceType | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "name": service_type.name if service_type else "",
            "countable": service_type is None or service_type.countable,
        }
        super().__init__(*args, **kwargs)
        self.helper = form_layout("name", "countable")
