"""The benchmark of pages runs at its tiny size, so that a change of the pages can't break it unnoticed."""

import pytest

from tests.benchmarks.test_benchmarks_run import run_tiny

pytestmark = pytest.mark.journey


@pytest.mark.usefixtures("browser")
def test_the_benchmark_of_pages_runs_to_its_end() -> None:
    """It starts a browser of its own. The fixture skips the test where there is none."""
    assert "of the limit" in run_tiny("pages")
