"""Take a screenshot of every page that can be reached by links, for each role: `make shots`.

The pages are those of a temporary demo clinic, and of an empty one. If pages differ only in the row that they show, there is
a screenshot of one of them. Screenshots are written to var/shots/<language>-<colors>-<width>/<role>-<page>.png. The
languages are done at the same time, each with servers of its own. Two lists are printed: pages that are wider than the
screen, and URL names to which no link leads. Forms that are only sent have no page, so they are in the second list, too.
"""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import django

from tests.paths import PROJECT
from tests.shots.language import SHOTS, take_language

LANGUAGES = ("en", "es")


def unlinked(found: set[str]) -> list[str]:
    """Return the URL names that are not in `found`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
    django.setup()
    from django.urls import get_resolver  # imported here because it needs Django's settings

    return sorted({name for name in get_resolver().reverse_dict if isinstance(name, str)} - found)


def main() -> None:
    shutil.rmtree(SHOTS, ignore_errors=True)
    with ProcessPoolExecutor(len(LANGUAGES), mp_context=get_context("spawn")) as processes:
        results = list(processes.map(take_language, LANGUAGES))
    for too_wide, _ in results:
        for sentence in too_wide:
            print(sentence)
    print("No link leads to:", ", ".join(unlinked(set.union(*(found for _, found in results)))))
    print(f"The screenshots are in {SHOTS.relative_to(PROJECT)}/.")


if __name__ == "__main__":
    main()
