"""What a request needs to know about a model, its labels, versions, design and sources: read once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from labeling.designs import ActiveDesign, active_designs
from labeling.errors import RowRefused
from labeling.incoming import IncomingRow
from labeling.models import ReviewPolicy, RoutingState, SamplingDesign, Source
from labeling.routing import Routing
from models_registry.models import Label, ModelVersion, RegisteredModel
from models_registry.services.versions import observe_version

ScoreKind = ModelVersion.ScoreKind
PRIOR_UNCERTAINTY = 0.25  # of a version that never met a hold-out: between sure (0) and a coin (0.5)


@dataclass(slots=True)
class SourceCatalog:
    """The cameras that rows may name."""

    by_slug: dict[str, Source] = field(default_factory=dict)

    def get(self, slug: str, *, position: int) -> Source:
        """:raises RowRefused: nobody registered this camera, so no site, day or shift could be told."""
        if slug not in self.by_slug:
            source = Source.objects.select_related("station__site").filter(slug=slug).first()
            if source is None:
                raise unknown_source(slug, position)
            self.by_slug[slug] = source
        return self.by_slug[slug]


def unknown_source(slug: str, position: int) -> RowRefused:
    return RowRefused(
        f"There is no source “{slug}” for you. Add it (with its station and site) in the admin first.",
        code="unknown_source", row=position, fields={"source": "Unknown."},
    )  # fmt: skip


@dataclass(eq=False)
class ModelCatalog:
    """One model with everything that ingest and routing ask about it."""

    registered_model: RegisteredModel
    noted: dict[tuple[int, str], datetime] = field(default_factory=dict)  # when a station's version was last noted
    made_draws: Mapping[str, Routing] | None = None  # by draw key: a finite population is drawn before it comes in

    @cached_property
    def labels(self) -> dict[str, Label]:
        return {label.slug: label for label in self.registered_model.label_set.labels.all()}

    @cached_property
    def versions(self) -> dict[str, ModelVersion]:
        """By external name, and by number as 3 and v3; a name given by people wins over a number."""
        versions = list(ModelVersion.objects.filter(registered_model=self.registered_model))
        by_number = {key: version for version in versions for key in (str(version.number), version.short_name)}
        return by_number | {version.external_name: version for version in versions if version.external_name}

    @cached_property
    def designs(self) -> list[ActiveDesign]:
        """What draws of the model now: the main design, then its campaigns."""
        return active_designs(self.registered_model)

    @property
    def design(self) -> SamplingDesign:
        """The main design."""
        return self.designs[0].design

    @cached_property
    def review_policy(self) -> ReviewPolicy:
        policy = ReviewPolicy.objects.filter(registered_model=self.registered_model).first()
        return policy or ReviewPolicy.objects.get_or_create(registered_model=self.registered_model)[0]

    @cached_property
    def mean_uncertainties(self) -> dict[int, float]:
        states = RoutingState.objects.filter(model_version__registered_model=self.registered_model)
        return dict(states.values_list("model_version", "mean_uncertainty"))

    def mean_uncertainty(self, version: ModelVersion) -> float:
        """Of past inspections of the version; before there are any, what its hold-out showed."""
        known = self.mean_uncertainties.get(version.id)
        return known or float(version.metrics.get("mean_uncertainty") or PRIOR_UNCERTAINTY)

    def version(self, row: IncomingRow, *, position: int) -> ModelVersion:
        """The version a row names. One that nobody registered is unsaved: `stored` saves it with its first part."""
        if row.version is None:
            raise RowRefused(
                "version is missing.", code="version_missing", row=position, fields={"version": "Required."}
            )
        name, said = str(row.version), row.score_kind
        if name not in self.versions:
            without_scores = row.scores is None and row.confidence is None
            kind = said or (ScoreKind.DECISION_ONLY if without_scores else ScoreKind.PROBABILITIES)
            if kind not in ScoreKind.values:
                raise RowRefused(
                    f"score_kind “{kind}” is unknown.", row=position,
                    fields={"score_kind": f"One of {', '.join(ScoreKind.values)}."},
                )  # fmt: skip
            return ModelVersion(registered_model=self.registered_model, external_name=name, score_kind=kind)
        self._refuse_other_kind(self.versions[name], said, position)
        return self.versions[name]

    def stored(self, version: ModelVersion, *, position: int, now: datetime) -> ModelVersion:
        """The version with its key; one that nobody registered is stored as observed, with an alert."""
        if not version._state.adding:
            return version
        observed = observe_version(
            registered_model=self.registered_model, external_name=version.external_name,
            score_kind=version.score_kind, now=now,
        )  # fmt: skip
        self._refuse_other_kind(observed, version.score_kind, position)
        self.versions[version.external_name] = observed
        return observed

    @staticmethod
    def name_of(version: ModelVersion) -> str:
        """The name under which `versions` has it."""
        return version.external_name or str(version.number)

    @staticmethod
    def _refuse_other_kind(version: ModelVersion, score_kind: str | None, position: int) -> None:
        if score_kind is not None and score_kind != version.score_kind:
            raise RowRefused(
                f"{version} declares {version.score_kind} scores, the row says {score_kind}.",
                code="score_kind_differs", row=position, fields={"score_kind": "Differs from the version's."},
            )  # fmt: skip
