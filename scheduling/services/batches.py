"""Split lists of ids into batches that fit into one SQL statement."""

from collections.abc import Iterable


def in_batches(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    """Split ids into lists of at most `size`, which are short enough for one SQL statement."""
    return (ids[begin : begin + size] for begin in range(0, len(ids), size))
