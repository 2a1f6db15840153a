"""Carry a run through its steps: resume, retry, heartbeat, fail in words."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from models_registry import files
from models_registry.models import ModelVersion, TrainingRun, TrainingStep
from models_registry.services import training
from models_registry.services.pipeline import data, judging, learning, stored
from models_registry.services.pipeline.workspace import RunLost, RunWaits, StepReport, Workspace, digest
from models_registry.training.features import FEATURES_VERSION
from reviewapp.errors import ReviewAppError

logger = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 25.0)
"""Seconds before another try of a step, where trying again can help: the store or the database did not answer."""
TRANSIENT = (files.StoreUnavailable, OperationalError, InterfaceError)
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
Work = Callable[[Workspace, StepReport], None]
Restore = Callable[[Workspace, TrainingStep], None]


@dataclass(frozen=True, slots=True)
class Step:
    """``inputs`` hashes what goes in; ``restore`` takes over what an attempt before made. None: always done anew."""

    work: Work
    inputs: Callable[[Workspace], str]
    restore: Restore | None = None


def _dataset(workspace: Workspace) -> str:
    return workspace.run.dataset.sha256


def _what_is_checked(workspace: Workspace) -> str:
    return digest(_dataset(workspace), *data.labels_of(workspace))


def _what_features(workspace: Workspace) -> str:
    run = workspace.run
    return digest(_dataset(workspace), FEATURES_VERSION, run.backend, str(run.recalibrates_id or ""))


def _what_fits(workspace: Workspace) -> str:
    run = workspace.run
    return digest(_dataset(workspace), workspace.features_sha256, run.backend, run.config, str(run.seed))


def _what_judges(workspace: Workspace) -> str:
    return digest(_dataset(workspace), workspace.artifact_sha256, workspace.features_sha256)


def _what_compares(workspace: Workspace) -> str:
    champion = ModelVersion.objects.champion_of(workspace.run.registered_model)
    return digest(_what_judges(workspace), champion.artifact_sha256 if champion else "")


STEPS: dict[str, Step] = {
    "collect": Step(data.collect, _dataset, data.collected),
    "validate_data": Step(data.validate_data, _what_is_checked, data.checked),
    "split_check": Step(data.split_check, _dataset, data.checked),
    "features": Step(data.extract_features, _what_features, data.extracted),
    "fit": Step(learning.fit, _what_fits, learning.fitted),
    "calibrate": Step(learning.calibrate, _what_judges),  # a moment; and it fills in what the version carries along
    "validate_model": Step(judging.validate_model, _what_judges, judging.validated),
    "compare": Step(judging.compare, _what_compares),  # the champion may have changed
    "register": Step(judging.register, _what_judges),
}


def execute(run_id: int) -> bool:
    """Carry a run through all its steps. False: it was not ours to run, no longer is, or waits for somebody."""
    run = training.claim_run(run_id, now=timezone.now())
    if run is None:
        return False
    done = {step.name: step for step in run.steps.all() if step.status == TrainingStep.Status.DONE}
    with _heartbeat(run) as lost:
        workspace = Workspace(run=run, lost=lost)
        return all(_carry_out(workspace, name, step, done) for name, step in STEPS.items())


def _carry_out(workspace: Workspace, name: str, step: Step, done: Mapping[str, TrainingStep]) -> bool:
    """One step, taken over or done, tried again where that can help. False: the run goes no further here."""
    for tries, pause in enumerate((*PAUSES, None), start=1):
        report = StepReport(workspace, name, timezone.now)
        try:
            if not _taken_over(workspace, step, done.get(name)):
                _work(workspace, step, report, tries)
        except RunLost:
            logger.info("run %s was taken over or cancelled", workspace.run.pk)
            return False
        except RunWaits:
            return False
        except TRANSIENT as error:
            connection.close()  # a broken one is not asked again
            if pause is None or _is_full(error):
                _fail(workspace, report, error)
                return False
            logger.warning("run %s, step %s, is tried again: %s", workspace.run.pk, name, error)
            if workspace.lost.wait(pause):
                return False
        except Exception as error:
            _fail(workspace, report, error)
            return False
        else:
            return True
    raise AssertionError  # the last try returns


def _taken_over(workspace: Workspace, step: Step, before: TrainingStep | None) -> bool:
    """Go on from what an attempt before made of the same, if it is still there and still what it was."""
    if before is None or step.restore is None or before.inputs_sha256 != step.inputs(workspace):
        return False
    try:
        step.restore(workspace, before)
    except stored.NothingStored:
        logger.warning("run %s: what step %s made is gone; it is done again", workspace.run.pk, before.name)
        return False
    return True


def _work(workspace: Workspace, step: Step, report: StepReport, tries: int) -> None:
    run, inputs = workspace.run, step.inputs(workspace)
    training.begin_step(run, report.name, inputs_sha256=inputs, n_tries=tries, now=timezone.now())
    report.progress(0.0, "")
    step.work(workspace, report)
    if report.run_ended:
        return
    report.progress(1.0, report.detail)
    training.finish_step(run, report.name, judging.fields_of(report), now=timezone.now())


def _is_full(error: Exception) -> bool:
    """A disk that is full stays so for longer than we would wait."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and reason.errno in FULL:
            return True
        reason = reason.__cause__
    return False


def _fail(workspace: Workspace, report: StepReport, error: Exception) -> None:
    """A known refusal fails the run with its sentence; anything else too, and is logged."""
    reason = _reason(workspace, report, error)
    report.say(reason)
    told: Mapping[str, object] = {"checks": report.checks, "curves": report.curves, "log": report.log}
    training.update_step(workspace.run, report.name, **told)
    training.fail(workspace.run, step=report.name, reason=reason, now=timezone.now())


def _reason(workspace: Workspace, report: StepReport, error: Exception) -> str:
    if _is_full(error):
        return (
            f"The disk is full: step “{report.name}” could not write what it made, and nothing half-written is left. "
            "Free space where the file store and the temporary folder lie, then start the run again."
        )
    if isinstance(error, files.FileMissing | files.FileChanged):
        return f"{error} Put the file back, or withdraw the part, then start the run again."
    if isinstance(error, files.StoreUnavailable):
        return f"{error} It was tried {len(PAUSES) + 1} times. When the store answers, start the run again."
    if isinstance(error, ReviewAppError):
        return str(error)
    if isinstance(error, OperationalError | InterfaceError):
        return (
            f"The database did not answer in step “{report.name}”, tried {len(PAUSES) + 1} times. When it "
            "answers, start the run again."
        )
    logger.exception("run %s failed in step %s", workspace.run.pk, report.name, exc_info=error)
    return f"Unexpected {type(error).__name__} in step “{report.name}”; the log has the rest."


@contextmanager
def _heartbeat(run: TrainingRun) -> Iterator[threading.Event]:
    """Say every few seconds that this worker lives; set the event when the run is no longer its own."""
    stop, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(settings.TRAINING_HEARTBEAT_SECONDS):
                if not _beat_heart(run):
                    lost.set()
                    return
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=beat, name=f"heartbeat-{run.pk}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stop.set()
        thread.join()


def _beat_heart(run: TrainingRun) -> bool:
    """A database that does not answer misses a beat; whether the run is still ours is asked again with the next."""
    try:
        return training.beat_heart(run, now=timezone.now())
    except (OperationalError, InterfaceError) as error:
        logger.warning("run %s missed a heartbeat: %s", run.pk, error)
        connection.close()
        return True
