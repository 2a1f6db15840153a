"""What the grid says by itself; `{name}` and the like are filled in by words.js."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

GRID_WORDS = {
    "tile": _("Image {n} of {of}, part {part}, {name} {percent} percent. Press to take out."),
    "tile_unsure": _("Image {n} of {of}, part {part}, {name}. Press to take out."),
    "taken_out": _("Taken out"),
    "not_here": _("Cannot be shown"),
    "rest_none": _("All to one by one"),
    "rest_one": _("1 is {name}"),
    "rest_many": _("{n} are {name}"),
    "range_many": _("{n} images, {low} to {high} % sure, most doubtful first. Tap every one that is not {name}."),
    "range_one": _("1 image. Tap it if it is not {name}."),
    "range_same": _("{n} images, {high} % sure. Tap every one that is not {name}."),
    "range_plain": _("{n} images. Tap every one that is not {name}."),
    "out_none": _("Nothing is taken out."),
    "out_one": _("1 taken out. It comes to you alone, right after this page."),
    "out_many": _("{n} taken out. They come to you one by one, right after this page."),
    "unseen_one": _("1 image was not on screen yet."),
    "unseen_many": _("{n} images were not on screen yet."),
    "said_one": _("1 as {name}"),
    "said_many": _("{n} as {name}"),
    "page_undone": _("Undone: {what}. They are on screen again."),
    "page_part_undone": _("Undone: {n} of {of}. {message}"),
    "grid_empty": _("Nothing for a grid"),
    "grid_empty_why": _("Parts whose prediction is shown come here. What is judged blind comes one by one."),
    "class_of": _("{name} ({n})"),
}
