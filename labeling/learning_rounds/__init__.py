"""Active learning: a round picks unlabelled parts whose labels teach most, beside the draws that measure.

    asked for ──> a row ──> a worker: pool -> features -> margins of the champion -> picks -> reviews

It only reads what the draws left: parts of the training side that nobody was asked about. What is picked on purpose has
no chance of being picked, so no estimate reads it; the draw that measures stays as it was.
"""

from labeling.learning_rounds.arms import ArmFigures, arms_of
from labeling.learning_rounds.picking import carry_out
from labeling.learning_rounds.requesting import MOST_ASKED, lost_rounds, request_round

__all__ = ["MOST_ASKED", "ArmFigures", "arms_of", "carry_out", "lost_rounds", "request_round"]
