"""What a training run does, step by step. Each step checks its input and its output, and is a row.

collect -> validate data -> split check -> features -> fit -> calibrate -> validate model -> compare -> register

What a step made lies in the file store under its hash. A worker that takes a run over verifies what the steps before
made and goes on behind the last good one. Everything before the last step may be repeated without harm; the last one
is a single transaction under the run's fencing token, so that a run ends once however many workers tried.

`execution` carries a run through, `workspace` is what steps hand to each other, `stored` keeps what they made;
`data`, `learning` and `judging` are the steps.
"""

from models_registry.services.pipeline.execution import STEPS, execute

__all__ = ["STEPS", "execute"]
