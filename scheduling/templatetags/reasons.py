"""Template tags for the text of a reason, which pages escape like any other value."""

from django import template

from scheduling.reason_text import reason_text

register = template.Library()

register.simple_tag(reason_text, name="reason")
