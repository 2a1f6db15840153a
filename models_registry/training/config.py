"""What a person may choose of the built-in trainer: kept with the run, and with the seed it decides every number."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models_registry.training.errors import TrainingDataError

MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class TrainerConfig:
    """`balanced`: every class weighs the same, however rare. Its scores then speak of a line on which classes are
    equally common, so confidences of rare defects are higher than their frequency; off, they mean what they say.

    `search_seconds`: how long the search for hyper-parameters may take on a machine of 2026, by the estimate of
    `candidates.seconds`: never by the clock, so that a run on a slower machine finds the same model.
    """

    balanced: bool = False
    search_seconds: float = 30.0

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "TrainerConfig":
        """From JSON; what is left out is usual. Raises TrainingDataError (`bad_config`) that names the field."""
        known = asdict(cls())
        if unknown := sorted(set(said) - set(known)):
            raise TrainingDataError(
                "bad_config", f"The trainer knows no {', '.join(unknown)}: only {', '.join(known)}."
            )
        balanced, seconds = (said.get(name, usual) for name, usual in known.items())
        if not isinstance(balanced, bool):
            raise TrainingDataError("bad_config", "balanced is true or false.")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MOST_SECONDS:
            raise TrainingDataError("bad_config", f"search_seconds lies between 0 and {MOST_SECONDS:g}.")
        return cls(balanced, float(seconds))


USUAL = TrainerConfig()
