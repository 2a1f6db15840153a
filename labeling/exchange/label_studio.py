"""Label Studio's JSON: tasks with `data`, `annotations` and `predictions`; boxes in per cent of the image.

Written: one task per part (its first view), the truth as one annotation, what the versions said as predictions. Read:
cancelled annotations count for nothing; of several, the one marked `ground_truth` holds, else all must say the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from labeling.exchange.errors import SourceRefused
from labeling.exchange.parts import ImportedPart, ImportedPrediction, short_id
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region, regions_of_view
from labeling.exchange.rows import BAD_IMAGE, TruthImage, TruthPrediction, TruthRow
from labeling.exchange.sources import Source, is_image, read_whole
from labeling.exchange.tables import moment_of, partition_word

LOCAL_FILES = "/data/local-files/?d="
OF_THE_PART = ("inspection_id", "station", "serial", "lot", "recipe", "group", "partition", "outcome")
CHOICE, BOX = "label", "region"  # names of the two controls, as docs/exchange.md gives the labelling set-up
BAD = "(bad image)"


def write(rows: Iterable[TruthRow], *, image_prefix: str = LOCAL_FILES) -> Iterator[bytes]:
    """A JSON list of tasks."""
    yield b"["
    first = True
    for row in rows:
        image = next((one for one in row.images if one.key), None)
        task = json.dumps(_task(row, image, image_prefix), ensure_ascii=False).encode()
        yield (b"\n" if first else b",\n") + task
        first = False
    yield b"\n]\n"


def _task(row: TruthRow, image: TruthImage | None, prefix: str) -> dict[str, Any]:
    view = image.view if image else "main"
    data = {name: getattr(row, name) for name in OF_THE_PART}
    data |= {"captured_at": row.captured_at.isoformat(), "view": view, "image": prefix + image.key if image else ""}
    label = BAD if row.outcome == BAD_IMAGE else row.label
    result = _result(label, regions_of_view(row.findings, view, row.label), image)
    said = [_prediction(one, view, image) for one in row.predictions]
    annotation = {"was_cancelled": False, "ground_truth": True, "created_at": row.decided_at.isoformat()}
    return {"data": data, "annotations": [annotation | {"result": result}], "predictions": said}


def _prediction(said: TruthPrediction, view: str, image: TruthImage | None) -> dict[str, Any]:
    result = _result(said.label, regions_of_view(said.findings, view, said.label), image)
    return {"model_version": said.version, "score": said.confidence, "result": result}


def _result(label: str | None, regions: list[Region], image: TruthImage | None) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    if label is not None:
        result.append({"from_name": CHOICE, "to_name": "image", "type": "choices", "value": {"choices": [label]}})
    for region in regions if image else []:
        width, height = (image.width or 1, image.height or 1) if image else (1, 1)
        value = {
            "x": 100 * region.x / width, "y": 100 * region.y / height, "width": 100 * region.width / width,
            "height": 100 * region.height / height, "rotation": 0, "rectanglelabels": [region.label],
        }  # fmt: skip
        result.append(
            {
                "from_name": BOX, "to_name": "image", "type": "rectanglelabels", "original_width": width,
                "original_height": height, "image_rotation": 0, "value": value,
            }
        )  # fmt: skip
    return result


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one annotation says."""

    labels: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    is_empty: bool = False  # submitted without a mark: nothing was found

    def says(self) -> object:
        """What must be equal for two to agree: labels, not the hand that drew a box."""
        return sorted(self.labels) or sorted({region.label for region in self.regions})


def read(source: Source, problems: Problems) -> Iterator[ImportedPart]:
    """Every task of every JSON file. :raises SourceRefused: none is a list of tasks."""
    names = [name for name in source.names if name.lower().endswith(".json")]
    found = False
    for name in names:
        try:
            tasks = msgspec.json.decode(read_whole(source, name))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceRefused(f"{name} is not JSON: {error}.", fields={"file": str(error)}) from error
        if isinstance(tasks, list) and all(isinstance(task, dict) and "data" in task for task in tasks):
            found = True
            for row, task in enumerate(tasks):
                if (part := _part(task, name, row, problems)) is not None:
                    yield part
    if not found:
        raise SourceRefused("There is no Label Studio file (a JSON list of tasks with data).", code="nothing_found")


def _part(task: Mapping[str, Any], name: str, row: int, problems: Problems) -> ImportedPart | None:
    data = task["data"] if isinstance(task["data"], dict) else {}
    image = image_of(data)
    judged = [one for one in _list(task, "annotations", "completions") if not one.get("was_cancelled")]
    said = [(one, _judgement(one, name, row, problems)) for one in judged]
    marked = [judgement for one, judgement in said if one.get("ground_truth")]
    holds = marked or [judgement for _, judgement in said]
    if len({repr(one.says()) for one in holds}) > 1:
        what = f"has {len(holds)} annotations that differ; settle them there, or mark one as ground truth"
        problems.refuse(name, row, "annotations", what, code="annotations_differ")
        return None
    truth = holds[0] if holds else Judgement()
    serial, lot, recipe, group = (str(data.get(key) or "") for key in ("serial", "lot", "recipe", "group"))
    return ImportedPart(
        row=row, file=name,
        inspection_id=str(data.get("inspection_id") or "") or short_id(image or f"task-{task.get('id', row)}"),
        labels=tuple(one for one in truth.labels if one != BAD), regions=truth.regions,
        is_judged=bool(truth.labels or truth.regions or truth.is_empty), is_bad_image=BAD in truth.labels,
        n_said=max(len(holds), 1),
        image=image, view=str(data.get("view") or "main"), captured_at=moment_of(data.get("captured_at")),
        partition=partition_word(data.get("partition")),
        serial=serial, lot=lot, recipe=recipe, group=group,
        predictions=tuple(_predicted(one, name, row, problems) for one in _list(task, "predictions")),
    )  # fmt: skip


def _list(task: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    found: list[Any] = next((task[name] for name in names if isinstance(task.get(name), list)), [])
    return [one for one in found if isinstance(one, dict)]


def image_of(data: Mapping[str, Any]) -> str:
    """The image of a task: by the usual names, else the only text that looks like one.

    `/data/local-files/?d=a/b.jpg` is `a/b.jpg`; `/data/upload/1/0a1b2c3d-b.jpg` is that name below the upload folder.
    """
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    named = [texts[key] for key in ("image", "img", "image_url", "photo") if key in texts]
    pictures = [value for value in texts.values() if is_image(urlsplit(value).path)]
    said = named[0] if named else pictures[0] if len(pictures) == 1 else ""
    parts = urlsplit(said)
    if parts.path.rstrip("/").endswith("/data/local-files"):
        return parse_qs(parts.query).get("d", [""])[0]
    if said.startswith("/data/"):
        return unquote(said.removeprefix("/data/"))
    return said


def _judgement(one: Mapping[str, Any], name: str, row: int, problems: Problems) -> Judgement:
    labels: list[str] = []
    regions: list[Region] = []
    for result in _list(one, "result"):
        value = result.get("value")
        if not isinstance(value, dict):
            continue
        kind = str(result.get("type") or "")
        if kind == "choices":
            labels += [str(choice) for choice in value.get("choices") or []]
        elif kind in {"rectanglelabels", "polygonlabels"}:
            region = _region(kind, value, result)
            if region is None:
                problems.refuse(name, row, kind, "has a box without label or area")
            else:
                regions.append(region)
        elif kind not in {"rectangle", "polygon", "textarea", "rating"}:
            problems.note(name, row, "result", f"{kind or 'without type'} is not taken", code="kind_not_taken")
    return Judgement(tuple(labels), tuple(regions), is_empty=not _list(one, "result"))


def _region(kind: str, value: Mapping[str, Any], result: Mapping[str, Any]) -> Region | None:
    """Per cent to shares. A turned rectangle (about its upper left corner) and a polygon become the box around them."""
    try:
        label = str(value[kind][0])
        if kind == "polygonlabels":
            corners = [(float(x), float(y)) for x, y in value["points"]]
        else:
            x, y, w, h = (float(value[key]) for key in ("x", "y", "width", "height"))
            corners = _corners(x, y, w, h, float(value.get("rotation") or 0), _aspect(result))
        left, top = min(x for x, _ in corners), min(y for _, y in corners)
        width, height = max(x for x, _ in corners) - left, max(y for _, y in corners) - top
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError):
        return None
    region = Region(label, left / 100, top / 100, width / 100, height / 100, relative=True)
    return region if region.is_box else None


def _aspect(result: Mapping[str, Any]) -> float:
    """Width by height of the image: per cent of the one are not per cent of the other."""
    return float(result.get("original_width") or 1) / float(result.get("original_height") or 1)


def _corners(x: float, y: float, w: float, h: float, degrees: float, aspect: float) -> list[tuple[float, float]]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    sides = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)]
    return [(x + a * cos - b * sin / aspect, y + a * sin * aspect + b * cos) for a, b in sides]


def _predicted(one: Mapping[str, Any], name: str, row: int, problems: Problems) -> ImportedPrediction:
    said = _judgement(one, name, row, problems)
    score = one.get("score")
    is_share = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    if score is not None and not is_share:
        problems.note(name, row, "score", f"{score!r} is no number from 0 to 1 and was left out", code="score_left_out")
    version = str(one.get("model_version") or "") or "label-studio"
    return ImportedPrediction(
        version, said.labels, float(score) if is_share and score is not None else None, said.regions
    )
