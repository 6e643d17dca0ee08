"""Template filter for the languages in patients' records."""

from django import template

from patients.forms.record.languages import language_name

register = template.Library()
register.filter(language_name)
