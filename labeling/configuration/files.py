"""YAML files into checked documents; every problem with file, line and field. Pure.

Scalars are read as YAML 1.2 reads them: `14:00` is a text and no number, `no` is a text and no false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import msgspec
import yaml

from labeling.configuration.documents import KINDS, Part, Path, problems_of
from reviewapp.errors import ReviewAppError

MAX_BYTES, MAX_NODES = 2**20, 100_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class ConfigurationRefused(ReviewAppError):
    """The files cannot be applied; nothing was changed."""

    code = "configuration_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)), fields={str(one.field): one.message for one in problems})
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Document:
    """One checked document, and the line on which each of its fields stands."""

    file: str
    kind: str
    part: Part
    lines: dict[Path, int]

    def problem(self, path: Path, message: str) -> Problem:
        """``path`` may lead further than the file does: then the nearest line is named."""
        known = next(path[:n] for n in range(len(path), -1, -1) if path[:n] in self.lines)
        return Problem(self.file, self.lines[known], dotted(path) or self.kind, message)


def dotted(path: Path) -> str:
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).removeprefix(".")


class Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: true, false, null and numbers; everything else is text."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for tag, pattern, first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def read_documents(files: Iterable[File]) -> list[Document]:
    """Read them all. :raises ConfigurationRefused: with every problem of every file."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in sorted(files):
        reading = _Reading(str(file))
        documents += reading.documents(file)
        problems += reading.problems
    seen: dict[tuple[str, str], Document] = {}
    for one in documents:
        name = str(getattr(one.part, "slug", None) or getattr(one.part, "name", ""))
        first = seen.setdefault((one.kind, name), one)
        if first is not one:
            problems.append(one.problem((), f"{one.kind} {name} stands in {first.file}:{first.lines[()]} too."))
    if problems:
        raise ConfigurationRefused(problems)
    return documents


@dataclass
class _Reading:
    """One file on its way in."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    n_nodes: int = 0

    def documents(self, file: File) -> list[Document]:
        try:
            data = file.read_bytes()[: MAX_BYTES + 1]
            if len(data) > MAX_BYTES:
                raise yaml.YAMLError(f"larger than {MAX_BYTES} bytes")
            loader = Loader(data.decode())
            found: list[Document] = []
            while loader.check_node():
                found += self._document(loader, loader.get_node())
            return found
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or str(error) or "nested too deeply"
            self.problems.append(Problem(self.file, mark.line + 1 if mark else 1, "file", f"{what}."))
            return []

    def _document(self, loader: Loader, node: yaml.Node | None) -> list[Document]:
        lines: dict[Path, int] = {}
        value = self._value(loader, node, (), lines) if node is not None else None
        kind = value.pop("kind", None) if isinstance(value, dict) else None
        before = len(self.problems)
        if value is None:
            return []  # an empty document
        if not isinstance(kind, str) or kind not in KINDS:
            what = f"Each document has a kind: {', '.join(KINDS)}."
            self.problems.append(Problem(self.file, lines.get(("kind",), lines[()]), "kind", what))
        else:
            for path, what in problems_of(value, KINDS[kind]):
                place = Document(self.file, kind, Part(), lines)
                self.problems.append(place.problem(path, what))
        if len(self.problems) > before:
            return []
        return [Document(self.file, str(kind), msgspec.convert(value, KINDS[str(kind)]), lines)]

    def _value(self, loader: Loader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES:  # aliases of aliases
            raise yaml.YAMLError(f"more than {MAX_NODES} values")
        lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, one, (*path, number), lines) for number, one in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node)
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                line = key_node.start_mark.line + 1
                self.problems.append(Problem(self.file, line, dotted((*path, key)), "Stands here twice."))
            lines[(*path, key)] = key_node.start_mark.line + 1
            found[key] = self._value(loader, value_node, (*path, key), lines)
        return found
