"""Pages load one file of icons. The file has the icons in use and no other icons."""

import re

from scheduling.context import NAV_SECTIONS
from scheduling.templatetags.formats import MARK_BADGES, NOT_MARKED, STANDING_BADGES, STATUS_BADGES
from tests.paths import PROJECT

LISTED = (PROJECT / "static" / "icons" / "icons.txt").read_text().split()
IN_TEMPLATES = re.compile(r"""{% icon "([a-z0-9-]+)"|icon=["']([a-z0-9-]+)["']|icon icon\|default:["']([a-z0-9-]+)""")
IN_SCRIPTS = re.compile(r"""#([a-z0-9-]+)`""")


def icons_in_use() -> set[str]:
    names = {section.icon for section in NAV_SECTIONS}
    badges = (*STANDING_BADGES.values(), *MARK_BADGES.values(), *STATUS_BADGES.values(), NOT_MARKED)
    names |= {badge.icon for badge in badges}
    for path in (PROJECT / "templates").rglob("*.html"):
        names |= {name for match in IN_TEMPLATES.finditer(path.read_text()) for name in match.groups() if name}
    for path in (PROJECT / "static" / "js").glob("*.js"):
        names |= set(IN_SCRIPTS.findall(path.read_text()))
    return names


def test_the_list_has_the_icons_in_use_and_no_others() -> None:
    assert sorted(LISTED) == LISTED
    assert set(LISTED) == icons_in_use()
