"""Images in folders that are called like their class: `class/file.jpg`, or `train/class/file.jpg`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from labeling.exchange.errors import SourceRefused
from labeling.exchange.labels import partition_of
from labeling.exchange.parts import ImportedPart, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.sources import Source, is_image


def read(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """Every image in a folder. :raises SourceRefused: there is none."""
    found = False
    for row, name in enumerate(name for name in source.names if is_image(name)):
        found = True
        path = PurePosixPath(name)
        if len(path.parts) < 2:
            problems.refuse(name, None, "label", "lies in no folder, so nothing says what it shows")
            continue
        yield ImportedPart(
            row=row, file=name, inspection_id=short_id(name), labels=(path.parent.name,), image=name,
            partition=partition_of("/".join(path.parts[:-2])),
        )  # fmt: skip
    if not found:
        raise SourceRefused("There is no image in the layout class/file.jpg.", code="nothing_found")
