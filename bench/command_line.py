"""The command line that all benchmarks share."""

from argparse import ArgumentParser


def parse_tiny(doc: str | None) -> bool:
    """Parse a benchmark's command line. Return True if `--tiny` was given.

    `doc` is the benchmark's module docstring.
    """
    parser = ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument(
        "--tiny", action="store_true", help="run in seconds, to see that the benchmark works; the figures mean nothing"
    )
    return bool(parser.parse_args().tiny)
