"""A template tag for the age range of a track."""

from django import template

register = template.Library()


@register.simple_tag
def ages(from_age: int | None, to_age: int | None) -> str:
    """Format an age range: 18 and 25 → "ages 18 to 25". Either bound can be None; with no bounds the result is "all ages"."""
    if from_age is None:
        return "all ages" if to_age is None else f"ages up to {to_age}"
    return f"ages {from_age} and over" if to_age is None else f"ages {from_age} to {to_age}"
