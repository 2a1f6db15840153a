"""What stands on scikit-learn, loaded by the first process that needs it.

It takes some 75 MB. Web processes that take in and show predictions never need it, so this is the one place that
imports when it is called and not when it is read.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


@cache
def artifacts() -> Any:
    """`models_registry.training.artifact`."""
    return import_module("models_registry.training.artifact")


@cache
def onnx_models() -> Any:
    """`models_registry.training.onnx_model`: where it is installed, the runtime takes memory too."""
    return import_module("models_registry.training.onnx_model")


@cache
def selection() -> Any:
    """`models_registry.training.selection`."""
    return import_module("models_registry.training.selection")


@cache
def pipeline() -> Any:
    """`models_registry.services.pipeline`."""
    return import_module("models_registry.services.pipeline")
