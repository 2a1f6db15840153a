"""How many reviews a question needs, and what so many reviews can answer. Numbers of a stream in, numbers out."""

from models_registry.planning.detection import Fall, reviews_for_fall, smallest_fall, time_to_alarm
from models_registry.planning.precision import (
    Precision,
    bound_without_error,
    expected_interval,
    reviews_for_half_width,
    reviews_to_show,
)
from models_registry.planning.stream import Part, Stream, stream_of_cells

__all__ = [
    "Fall",
    "Part",
    "Precision",
    "Stream",
    "bound_without_error",
    "expected_interval",
    "reviews_for_fall",
    "reviews_for_half_width",
    "reviews_to_show",
    "smallest_fall",
    "stream_of_cells",
    "time_to_alarm",
]
