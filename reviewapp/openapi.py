"""OpenAPI from the types that the API really uses: a msgspec Struct is its own schema, every refusal has one shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

REF = "#/components/schemas/{name}"


class Refusal(msgspec.Struct):
    """`code` is stable, `message` is for people, `fields` names what is wrong, `row` (from 0) is there for lists."""

    code: str
    message: str
    fields: dict[str, str]
    row: int | msgspec.UnsetType = msgspec.UNSET


class Refused(msgspec.Struct):
    error: Refusal


REFUSALS = {
    "400": "The input is wrong; `fields` says where.",
    "401": "No key, or a dead one.",
    "403": "The role, or the scope of the key, does not allow it.",
    "404": "There is no such thing for you.",
    "405": "Not with this method.",
    "406": "The answer is not to be had in the type that was asked for.",
    "409": "It does not fit the present state.",
    "413": "Too large.",
    "415": "The body is of another type.",
    "429": "Too often; `Retry-After` says when to come again.",
}
OF_BODIES = {"409", "413", "415"}


@dataclass(frozen=True)
class Shape:
    """A named schema that is no Struct: a type, several (a tuple: any of them), or a schema with types in it."""

    name: str
    hint: Any


class Schema(AutoSchema):
    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        for code, words in REFUSALS.items():
            if code in answers or (code in OF_BODIES and self.method == "GET"):
                continue
            answers[code] = self._get_response_for_code(Refused, code, ["application/json"])  # type: ignore[no-untyped-call]
            answers[code]["description"] = words
            if code == "429":
                answers[code]["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
        return answers

    def get_tags(self) -> list[str]:
        """What the address is about: its first noun, or that below one model."""
        nouns = [part for part in self.path.removeprefix("/api/v1/").split("/") if part and "{" not in part]
        return [nouns[1] if nouns[0] == "models" and len(nouns) > 1 else nouns[0]]

    def get_operation_id(self) -> str:
        """The method and the address, in words: unique, and the same as long as the address is."""
        words = re.findall(r"[a-z]+", self.path.removeprefix("/api/v1/"))
        return "_".join([self.method.lower(), *words])

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Lists declare their pages themselves."""
        return False

    def get_filter_backends(self) -> list[Any]:
        return list(getattr(self.view, "filter_backends", ())) if self.method == "GET" else []


class _OfStructs(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return _schema(self.target, auto_schema)


class _OfShapes(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = "reviewapp.openapi.Shape"

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        return str(self.target.name)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        found: dict[str, Any] = _filled(self.target.hint, auto_schema)
        return found


def _filled(shape: Any, auto_schema: Any) -> Any:
    if isinstance(shape, dict):
        return {name: _filled(part, auto_schema) for name, part in shape.items()}
    if isinstance(shape, list):
        return [_filled(part, auto_schema) for part in shape]
    if isinstance(shape, tuple):
        return {"anyOf": [_filled(part, auto_schema) for part in shape]}
    if isinstance(shape, str | int | float | None):
        return shape
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        auto_schema.resolve_serializer(shape, "response")
        return {"$ref": REF.format(name=shape.__name__)}
    return _schema(shape, auto_schema)


def _schema(hint: Any, auto_schema: Any) -> dict[str, Any]:
    """The JSON Schema of a type; the Structs within become components of their own."""
    (schema,), components = msgspec.json.schema_components([hint], ref_template=REF)
    structs = {one.__name__: one for one in _structs(msgspec.inspect.type_info(hint))}
    for name, found in components.items():
        kind = ResolvedComponent.SCHEMA
        component = ResolvedComponent(name, kind, found, structs.get(name, name))  # type: ignore[no-untyped-call]
        if structs.get(name) is not hint and component not in auto_schema.registry:
            auto_schema.registry.register(component)
    return components[hint.__name__] if schema == {"$ref": REF.format(name=getattr(hint, "__name__", ""))} else schema


def _structs(info: Any) -> Iterator[type]:
    """Every Struct class within a type."""
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
        parts: list[Any] = [field.type for field in info.fields]
    else:
        names = ("item_type", "key_type", "value_type", "type")
        parts = [getattr(info, name) for name in names if hasattr(info, name)]
        parts += [*getattr(info, "item_types", ()), *getattr(info, "types", ())]
    for part in parts:
        yield from _structs(part)
