"""Decisions about versions, and the names and notes that people give to them, for systems."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import Verb, models_for, require, require_verb
from labeling.api.authentication import person
from labeling.api.reviews import MAX_ID, ReviewView
from labeling.incoming import why_unstorable
from models_registry.errors import ChampionChanged
from models_registry.models import ModelAlias, ModelVersion, Promotion, VersionTag
from models_registry.services import aliases, promotion
from models_registry.tasks import nudge_recompare
from reviewapp.errors import NotFound, ReviewAppError

MOST = 100


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`change_number`: of the plant's change control. `effective_from`: the first lot for which it holds."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)]
    change_number: Annotated[str, msgspec.Meta(max_length=60)] = ""
    effective_from: Annotated[str, msgspec.Meta(max_length=120)] = ""

    def checked(self) -> dict[str, str]:
        """The three words, as the services take them. :raises ReviewAppError: what no database stores."""
        said = msgspec.structs.asdict(self)
        for name, text in said.items():
            if what := why_unstorable(text):
                raise ReviewAppError(f"{name} {what}.", code="invalid", fields={name: what})
        return said


class RollBackBody(DecisionBody, forbid_unknown_fields=True, kw_only=True):
    """`version`: the number of the champion that is meant; another one is refused."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class DecisionRow(msgspec.Struct):
    id: int
    action: str
    version: int
    replaced: int | None
    automatic: bool
    decided_by: str | None
    reason: str
    change_number: str
    effective_from: str
    comparison: int | None
    decided_at: datetime


class DecisionList(msgspec.Struct):
    promotions: list[DecisionRow]


class AliasBody(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class AliasRow(msgspec.Struct):
    alias: str
    version: int
    moved_at: datetime | None


class AliasList(msgspec.Struct):
    aliases: list[AliasRow]


class TagBody(msgspec.Struct, forbid_unknown_fields=True):
    value: str = ""


class TagRow(msgspec.Struct):
    key: str
    value: str


class TagList(msgspec.Struct):
    tags: list[TagRow]


def require_version(request: Request, verb: Verb, pk: int) -> ModelVersion:
    """The version, or a refusal that does not tell strangers whether it exists."""
    user = person(request)
    require_verb(user, verb)
    found = ModelVersion.objects.select_related("registered_model__label_set", "training_run")
    version = found.filter(pk=pk).first() if pk <= MAX_ID else None
    if version is None or not any(
        models_for(user, one).filter(pk=version.registered_model_id).exists() for one in (verb, "view")
    ):
        raise NotFound("There is no such version for you.")
    require(user, verb, version.registered_model.slug)
    return version


class Promote(ReviewView):
    @extend_schema(summary="Make a candidate the champion", request=DecisionBody, responses=DecisionRow)
    def post(self, request: Request, pk: int) -> Response:
        version, said = require_version(request, "decide", pk), self.body(request, DecisionBody).checked()
        try:
            made = promotion.promote(version=version, by=person(request), now=timezone.now(), **said)
        except ChampionChanged:
            nudge_recompare(version.pk)
            raise
        return answer(row_of(made))


class Refuse(ReviewView):
    @extend_schema(summary="Refuse a candidate", request=DecisionBody, responses=DecisionRow)
    def post(self, request: Request, pk: int) -> Response:
        version, said = require_version(request, "decide", pk), self.body(request, DecisionBody).checked()
        del said["effective_from"]
        made = promotion.refuse(version=version, by=person(request), now=timezone.now(), **said)
        return answer(row_of(made))


class RollBack(ReviewView):
    @extend_schema(summary="Put the former champion back", request=RollBackBody, responses=DecisionRow)
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        said: dict[str, Any] = self.body(request, RollBackBody).checked()
        meant = said.pop("version")
        if meant is not None:
            said["expected"] = numbered(registered_model.pk, meant)
        made = promotion.roll_back(registered_model=registered_model, by=person(request), now=timezone.now(), **said)
        return answer(row_of(made))


class Promotions(ReviewView):
    @extend_schema(summary="What was decided about a model's versions, newest first", responses=DecisionList)
    def get(self, request: Request, slug: str) -> Response:
        found = Promotion.objects.filter(registered_model=require(person(request), "view", slug))
        rows = found.select_related("version", "replaced", "decided_by").order_by("-pk")[:MOST]
        return answer(DecisionList([row_of(one) for one in rows]))


class Aliases(ReviewView):
    @extend_schema(summary="The aliases of a model; `champion` always leads to the champion", responses=AliasList)
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "view", slug)
        champion = ModelVersion.objects.champion_of(registered_model)
        rows = [AliasRow("champion", champion.number, None)] if champion else []
        found = ModelAlias.objects.filter(registered_model=registered_model).select_related("version")
        return answer(AliasList(rows + [_alias(one) for one in found.order_by("name")[:MOST]]))


class Alias(ReviewView):
    @extend_schema(summary="Let an alias lead to a version", request=AliasBody, responses=AliasRow)
    def put(self, request: Request, slug: str, alias: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        version = numbered(registered_model.pk, self.body(request, AliasBody).version)
        made = aliases.set_alias(
            registered_model=registered_model, name=alias, version=version, by=person(request), now=timezone.now()
        )
        return answer(_alias(made))

    @extend_schema(summary="Forget an alias", request=None, responses={204: None})
    def delete(self, request: Request, slug: str, alias: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        if not aliases.drop_alias(
            registered_model=registered_model, name=alias, by=person(request), now=timezone.now()
        ):
            raise NotFound(f"There is no alias “{alias}” of {registered_model}.")
        return Response(status=204)


class Tags(ReviewView):
    @extend_schema(summary="The tags of a version", responses=TagList)
    def get(self, request: Request, pk: int) -> Response:
        version = require_version(request, "view", pk)
        rows = VersionTag.objects.filter(version=version).order_by("key")[:MOST]
        return answer(TagList([TagRow(one.key, one.value) for one in rows]))


class Tag(ReviewView):
    @extend_schema(summary="Note a value under a key", request=TagBody, responses=TagRow)
    def put(self, request: Request, pk: int, key: str) -> Response:
        version = require_version(request, "decide", pk)
        value = self.body(request, TagBody).value
        made = aliases.set_tag(version=version, key=key, value=value, by=person(request), now=timezone.now())
        return answer(TagRow(made.key, made.value))

    @extend_schema(summary="Forget a tag", request=None, responses={204: None})
    def delete(self, request: Request, pk: int, key: str) -> Response:
        version = require_version(request, "decide", pk)
        if not aliases.drop_tag(version=version, key=key, by=person(request), now=timezone.now()):
            raise NotFound(f"There is no tag “{key}” at {version}.")
        return Response(status=204)


def numbered(registered_model: int, number: int) -> ModelVersion:
    """:raises NotFound: the model has no version of that number."""
    found = ModelVersion.objects.filter(registered_model=registered_model, number=number)
    version = found.select_related("registered_model").first()
    if version is None:
        raise NotFound(f"There is no version {number} of this model.")
    return version


def row_of(made: Promotion) -> DecisionRow:
    return DecisionRow(
        id=made.pk, action=made.action, version=made.version.number,
        replaced=made.replaced.number if made.replaced else None, automatic=made.automatic,
        decided_by=made.decided_by.username if made.decided_by else None, reason=made.reason,
        change_number=made.change_number, effective_from=made.effective_from, comparison=made.comparison_id,
        decided_at=made.decided_at,
    )  # fmt: skip


def _alias(one: ModelAlias) -> AliasRow:
    return AliasRow(one.name, one.version.number, one.moved_at)


def answer(row: msgspec.Struct) -> Response:
    return Response(msgspec.to_builtins(row, builtin_types=(datetime,)))
