"""The benchmark of pages runs at its tiny size. If a change to the pages breaks the benchmark, this test fails."""

import pytest

from tests.benchmarks.test_benchmarks_run import run_tiny

pytestmark = pytest.mark.journey


@pytest.mark.usefixtures("browser")
def test_the_benchmark_of_pages_runs_to_its_end() -> None:
    """The benchmark starts its own browser. If no browser is installed, the fixture skips the test."""
    assert "of the limit" in run_tiny("pages")
