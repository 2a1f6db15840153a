"""The images of an audit: all have to be there, those that are drawn have to be readable. Pure but for the files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from labeling.audit.errors import FileRefused
from labeling.audit.rows import AuditRow, twins
from labeling.errors import ImageRefused
from labeling.exchange.errors import SourceRefused
from labeling.exchange.sources import Finder, Folder, is_image, read_whole
from labeling.images.check import CheckedImage, check_image


def rows_of_images(folder: Folder) -> list[AuditRow]:
    """A row for every image of a folder, called by its place in it: labels before a model.

    :raises FileRefused: there is none, or a name is too long to be an id.
    """
    names = [name for name in folder.names if is_image(name)]
    if not names:
        raise FileRefused(folder.root.name, [(None, "images", "there is no image in this folder")])
    if long := [name for name in names if len(name) > 120]:
        raise FileRefused(folder.root.name, [(None, "images", f"{long[0]} is longer than 120 characters")])
    return [AuditRow(line=place, id=name, image=name) for place, name in enumerate(names, start=1)]


def located(rows: Sequence[AuditRow], folder: Folder, file: str) -> list[AuditRow]:
    """The rows with the names that their images have in the folder.

    :raises FileRefused: names every line whose image is not there, fits several files, or is another line's.
    """
    finder, found, problems = Finder(folder), [], []
    for row in rows:
        name = finder.find(row.image)
        if name is None:
            problems.append((row.line, "image", f"{row.image[:200]} is not there, or several files could be meant"))
        else:
            found.append(dataclasses.replace(row, image=name))
    problems += [(line, "image", f"{name} is the image of line {first} too") for line, name, first in twins(found, _of)]
    if problems:
        raise FileRefused(file, problems)
    return found


def _of(row: AuditRow) -> str:
    return row.image


def checked(
    rows: Sequence[AuditRow], folder: Folder, file: str, *, max_bytes: int, max_pixels: int
) -> list[CheckedImage]:
    """The images of the rows that were drawn, every pixel decoded.

    :raises FileRefused: names every line whose image cannot be read.
    """
    images, problems = [], []
    for row in rows:
        try:
            data = read_whole(folder, row.image, limit=max_bytes)
            images.append(check_image(data, max_bytes=max_bytes, max_pixels=max_pixels))
        except (ImageRefused, SourceRefused) as error:
            problems.append((row.line, "image", f"{row.image[:200]}: {error.message}"))
        except OSError as error:
            problems.append((row.line, "image", f"{row.image[:200]} cannot be read: {error.strerror}"))
    if problems:
        raise FileRefused(file, problems)
    return images
