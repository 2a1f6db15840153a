"""Small data sets as the tools of the field write them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image


def picture(shade: int, *, width: int = 24, height: int = 40, kind: str = "JPEG") -> bytes:
    """A thermal picture of a solar module is 24 by 40."""
    stream = io.BytesIO()
    image = Image.new("L", (width, height), shade)
    image.putpixel((shade % width, shade % height), 255 - shade)
    image.save(stream, kind)
    return stream.getvalue()


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def archive(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


FOLDERS: dict[str, bytes | str] = {
    "ok/1.jpg": picture(10),
    "red iron/2.png": picture(20, kind="PNG"),
    "Hot-Spot.Multi/3.jpg": picture(30, width=2800, height=20),
    "Hot-Spot.Multi/4.jpg": picture(10),  # the pixels of ok/1.jpg
    "Hot-Spot.Multi/broken.jpg": b"\xff\xd8 cut off",
    "Hot-Spot.Multi/Thumbs.db": b"x",
}


def coco_document() -> dict[str, Any]:
    """COCO with a folder in a name, gaps in the categories, a crowd, a missing image, an image without marks."""
    return {
        "info": {"year": 2026, "version": "1.0", "description": "", "contributor": "", "url": "", "date_created": ""},
        "licenses": [{"id": 1, "name": "Attribution", "url": "http://creativecommons.org/licenses/by/2.0/"}],
        "images": [
            {"id": 397133, "file_name": "line 3/a.jpg", "width": 24, "height": 40, "license": 1,
             "date_captured": "2013-11-14 17:02:52", "coco_url": "http://images.example/a.jpg", "flickr_url": ""},
            {"id": 37777, "file_name": "b.jpg", "width": 24, "height": 40, "license": 1, "date_captured": ""},
            {"id": 5, "file_name": "gone.jpg", "width": 24, "height": 40},
            {"id": 6, "file_name": "crowded.jpg", "width": 24, "height": 40},
        ],
        "categories": [
            {"id": 7, "name": "scratch", "supercategory": "surface"}, {"id": 90, "name": "dent", "supercategory": ""},
        ],
        "annotations": [
            {"id": 1, "image_id": 397133, "category_id": 90, "bbox": [2.5, 3, 10.25, 6], "area": 61.5, "iscrowd": 0,
             "segmentation": [[2.5, 3, 12.75, 3, 12.75, 9, 2.5, 9]]},
            {"id": 2, "image_id": 397133, "category_id": 7, "bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 0,
             "segmentation": []},
            {"id": 3, "image_id": 6, "category_id": 7, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 1,
             "segmentation": {"counts": [0, 400], "size": [24, 40]}},
            {"id": 4, "image_id": 5, "category_id": 7, "bbox": [1, 1, 3, 3], "area": 9, "iscrowd": 0},
            {"id": 5, "image_id": 4711, "category_id": 7, "bbox": [1, 1, 3, 3], "area": 9, "iscrowd": 0},
        ],
    }  # fmt: skip


COCO: dict[str, bytes | str] = {
    "annotations/instances_val2017.json": json.dumps(coco_document()),
    "val2017/line 3/a.jpg": picture(40),
    "val2017/b.jpg": picture(50),
    "val2017/crowded.jpg": picture(60),
}

YOLO: dict[str, bytes | str] = {
    "data.yaml": "path: ../datasets/steel\ntrain: images/train\nval: images/val\nnc: 3\n"
    "names:\n  0: scratch\n  1: red iron\n  2: Hot-Spot.Multi\n",
    "images/train/a.jpg": picture(70),
    "labels/train/a.txt": "0 0.5 0.5 0.25 0.2\n1 0.25 0.25 0.25 0.25\n",
    "images/train/empty.jpg": picture(80),
    "labels/train/empty.txt": "",
    "images/val/polygon.png": picture(90, kind="PNG"),
    "labels/val/polygon.txt": "2 0.25 0.25 0.75 0.25 0.75 0.5\n",
    "images/val/nobody.jpg": picture(100),
    "images/val/wrong.jpg": picture(110),
    "labels/val/wrong.txt": "9 0.5 0.5 0.1 0.1\nscratch 0.5 0.5 0.1 0.1\n",
}


def _rectangle(label: str, x: float, y: float, width: float, height: float, rotation: float = 0) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation, "rectanglelabels": [label]}
    return {
        "id": "bmk1", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "origin": "manual",
        "original_width": 24, "original_height": 40, "image_rotation": 0, "value": value,
    }  # fmt: skip


def _choice(label: str) -> dict[str, Any]:
    return {"id": "c1", "type": "choices", "from_name": "choice", "to_name": "image", "value": {"choices": [label]}}


def label_studio_tasks() -> list[dict[str, Any]]:
    """As `JSON` from the export dialog: skipped, doubled and differing annotations, several places of an image."""
    done = {"completed_by": 1, "was_cancelled": False, "ground_truth": False, "lead_time": 3.2, "project": 1}
    return [
        {"id": 1, "data": {"image": "/data/local-files/?d=line3%2Fa.jpg"}, "meta": {}, "annotations": [
            {"id": 11, **done, "result": [_rectangle("scratch", 25, 50, 50, 25)]},
            {"id": 12, **done, "was_cancelled": True, "result": []},
        ], "predictions": [
            {"id": 5, "model_version": "yolo-v8", "score": 0.87, "result": [_rectangle("dent", 10, 10, 20, 20)]},
            {"id": 6, "model_version": "resnet", "score": 7.5, "result": [_choice("scratch")]},
        ]},
        {"id": 2, "data": {"img": "/data/upload/1/0a1b2c3d-b.jpg"}, "annotations": [
            {"id": 21, **done, "result": [_choice("dent")]}, {"id": 22, **done, "result": [_choice("dent")]},
        ]},
        {"id": 3, "data": {"image": "c.jpg"}, "annotations": [
            {"id": 31, **done, "result": [_choice("dent")]}, {"id": 32, **done, "result": [_choice("ok")]},
        ]},
        {"id": 4, "data": {"image": "d.jpg"}, "annotations": [
            {"id": 41, **done, "result": [_choice("dent")]},
            {"id": 42, **done, "ground_truth": True, "result": [_choice("ok")]},
        ]},
        {"id": 5, "data": {"image": "https://images.example/e.jpg"}, "annotations": [
            {"id": 51, **done, "result": [_choice("ok")]},
        ]},
        {"id": 6, "data": {"image": "f.jpg"}, "annotations": [{"id": 61, **done, "was_cancelled": True, "result": []}]},
    ]  # fmt: skip


LABEL_STUDIO: dict[str, bytes | str] = {
    "project-1.json": json.dumps(label_studio_tasks()),
    "line3/a.jpg": picture(120),
    "upload/1/0a1b2c3d-b.jpg": picture(130),
    "c.jpg": picture(140),
    "d.jpg": picture(150),
    "f.jpg": picture(160),
}

CVAT_XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>4</id><name>steel</name><size>4</size><mode>annotation</mode>
    <labels><label><name>scratch</name><color>#ff0000</color><type>any</type><attributes></attributes></label></labels>
  </task><dumped>2026-11-20 10:00:00.000000+00:00</dumped></meta>
  <image id="0" name="a.jpg" subset="Train" task_id="4" width="24" height="40">
    <box label="scratch" source="manual" occluded="0" xtl="2.00" ytl="3.50" xbr="12.00" ybr="13.50" z_order="0">
      <attribute name="depth">2</attribute>
    </box>
    <polygon label="dent" source="manual" occluded="0" points="1.00,1.00;5.00,1.00;5.00,4.00" z_order="0"></polygon>
  </image>
  <image id="1" name="b.jpg" subset="Validation" task_id="4" width="24" height="40">
    <tag label="dent" source="manual"></tag>
  </image>
  <image id="2" name="c.jpg" task_id="4" width="24" height="40"></image>
  <image id="3" name="d.jpg" task_id="4" width="24" height="40">
    <points label="scratch" source="manual" occluded="0" points="1.00,1.00" z_order="0"></points>
  </image>
</annotations>
"""
CVAT: dict[str, bytes | str] = {
    "annotations.xml": CVAT_XML,
    **{f"images/{name}.jpg": picture(shade) for name, shade in (("a", 170), ("b", 180), ("c", 190), ("d", 200))},
}

BOMB = """<?xml version="1.0"?>
<!DOCTYPE annotations [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<annotations><image id="0" name="&d;"/></annotations>
"""
ELSEWHERE = """<?xml version="1.0"?>
<!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotations><image id="0" name="&x;"/></annotations>
"""
