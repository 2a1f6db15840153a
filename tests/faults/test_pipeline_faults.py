"""A worker is killed at every step, its database connection is cut at every step, at both ends and in the middle: one
finished run, with the scores and the model of an undisturbed one. A killed worker is a forked copy of this process that
sends SIGKILL to itself.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.utils import timezone

from labeling.feedback import request_retraining
from labeling.models import GroundTruth, Item
from models_registry import files, serving
from models_registry.models import Comparison, Dataset, ImageFeatures, ModelVersion, RegisteredModel, TrainingRun
from models_registry.services import image_features, pipeline, training
from models_registry.services.pipeline import execution
from models_registry.services.pipeline.workspace import StepReport, Workspace
from models_registry.training.artifact import content_hash
from models_registry.training.trainer import FittedModel
from tests.conftest import PROJECT
from tests.factories import make_user
from tests.factories.labelled import make_labelled_model
from tests.full_disk import full_disk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]
STEPS = tuple(pipeline.STEPS)
PRODUCT = str(PROJECT / "models_registry")
Work = Callable[[Workspace, StepReport], None]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def first() -> TrainingRun:
    """An undisturbed run; others of the same dataset have its seed."""
    model = make_labelled_model(n=24)
    run = request_retraining(registered_model=model, by=make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    return run


def another(dataset: Dataset) -> TrainingRun:
    dataset = Dataset.objects.get(pk=dataset.pk)
    return training.request_training(dataset=dataset, trigger="person", reason="Again.", now=timezone.now())


@contextmanager
def disturbed(monkeypatch: pytest.MonkeyPatch, name: str, around: Callable[[Work], Work]) -> Iterator[None]:
    with monkeypatch.context() as patch:
        step = pipeline.STEPS[name]
        patch.setitem(pipeline.STEPS, name, replace(step, work=around(step.work)))
        yield


def killed_before(work: Work) -> Work:
    return lambda workspace, report: os.kill(os.getpid(), signal.SIGKILL)


def killed_after(work: Work) -> Work:
    def die(workspace: Workspace, report: StepReport) -> None:
        work(workspace, report)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def in_a_worker_that_dies(run: TrainingRun) -> None:
    connections.close_all()  # a copy of a connection is not a second one
    pid = os.fork()
    if pid == 0:
        pipeline.execute(run.pk)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def ended_once_like(first: TrainingRun, run: TrainingRun, how: str) -> None:
    run.refresh_from_db()
    assert run.status == "succeeded", f"{how}: {run.outcome}"
    assert ModelVersion.objects.filter(training_run=run).count() == 1, how
    assert Comparison.objects.filter(training_run=run).count() == 1, how
    assert not run.steps.exclude(status="done").exists(), how
    scores = [one.steps.get(name="validate_model").outputs_sha256 for one in (first, run)]
    assert scores[0] == scores[1], how
    assert content_of(first) == content_of(run), how


def content_of(run: TrainingRun) -> str:
    """What names the model; the file's own hash differs each time."""
    fitted = serving.load(run.version.artifact, run.version.artifact_sha256)
    assert isinstance(fitted, FittedModel)
    return content_hash(fitted)


@pytest.mark.parametrize("moment", [killed_before, killed_after])
def test_a_worker_killed_at_any_step_is_replaced_and_the_run_goes_on(
    first: TrainingRun, moment: Callable[[Work], Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    for position, name in enumerate(STEPS):
        run, how = another(first.dataset), f"{moment.__name__} {name}"
        with disturbed(monkeypatch, name, moment):
            in_a_worker_that_dies(run)
        before = stamps(run)
        over = how == "killed_after register"
        lost = training.sweep(now=timezone.now() + timedelta(minutes=2), lost_after=timedelta(minutes=1))
        assert lost == ([] if over else [run.pk]), how
        assert pipeline.execute(run.pk) is not over, how
        ended_once_like(first, run, how)
        kept = [one for one in STEPS[:position] if pipeline.STEPS[one].restore]
        assert {one: before[one] for one in kept} == {one: stamps(run)[one] for one in kept}, f"{how}: done twice"


def stamps(run: TrainingRun) -> Mapping[str, object]:
    return dict(run.steps.values_list("name", "started_at"))


def cut_off(work: Work) -> Work:
    calls = []

    def cut(workspace: Workspace, report: StepReport) -> None:
        calls.append(1)
        if len(calls) == 1:
            terminate_our_backend()
        work(workspace, report)

    return cut


def terminate_our_backend() -> None:
    assert connection.connection is not None
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    finally:
        other.close()


def test_a_database_connection_that_is_cut_at_any_step_costs_a_second_try(
    first: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in STEPS:
        run = another(first.dataset)
        with disturbed(monkeypatch, name, cut_off):
            assert pipeline.execute(run.pk), name
        ended_once_like(first, run, name)
        assert run.n_attempts == 1


def halfway(work: Work, n_calls: int, stop: Callable[[], None]) -> Work:
    """``work``, which ``stop`` meets once in the middle: at half of the ``n_calls`` that it makes of our functions."""
    middle = [max(n_calls // 2, 1)]

    def disturb(workspace: Workspace, report: StepReport) -> None:
        with calls_counted(stop_at=middle.pop() if middle else 0, stop=stop):
            work(workspace, report)

    return disturb


@contextmanager
def calls_counted(*, stop_at: int = 0, stop: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Count what this thread calls of the product."""
    count = [0]

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PRODUCT):
            count[0] += 1
            if count[0] == stop_at:
                sys.setprofile(None)
                stop()

    sys.setprofile(called)
    try:
        yield count
    finally:
        sys.setprofile(None)


def calls_of_steps(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many calls each step makes in an undisturbed run."""
    found: dict[str, int] = {}

    def counted(name: str, work: Work) -> Work:
        def count(workspace: Workspace, report: StepReport) -> None:
            with calls_counted() as calls:
                work(workspace, report)
            found[name] = calls[0]

        return count

    with monkeypatch.context() as patch:
        for name, step in pipeline.STEPS.items():
            patch.setitem(pipeline.STEPS, name, replace(step, work=counted(name, step.work)))
        ImageFeatures.objects.all().delete()
        assert pipeline.execute(run.pk)
    return found


def kill_ourselves() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_in_the_middle_of_any_step_a_kill_or_a_cut_ends_in_one_run_like_the_undisturbed(
    first: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_features, "STORED_AT_ONCE", 8)  # so that half of the images is a middle, too
    calls = calls_of_steps(another(first.dataset), monkeypatch)
    assert tuple(calls) == STEPS
    for name in STEPS:
        for stop in (kill_ourselves, terminate_our_backend):
            run, how = another(first.dataset), f"{stop.__name__} in the middle of {name}"
            ImageFeatures.objects.all().delete()
            with disturbed(monkeypatch, name, lambda work, name=name, stop=stop: halfway(work, calls[name], stop)):  # type: ignore[misc]
                if stop is kill_ourselves:
                    in_a_worker_that_dies(run)
                else:
                    assert pipeline.execute(run.pk), f"{how}: {TrainingRun.objects.get(pk=run.pk).outcome}"
            if stop is kill_ourselves:
                assert not run.steps.filter(name=name, status="done").exists(), how
                later = timezone.now() + timedelta(minutes=2)
                assert training.sweep(now=later, lost_after=timedelta(minutes=1)) == [run.pk], how
                assert pipeline.execute(run.pk), how
            ended_once_like(first, run, how)
            assert run.n_attempts == 1 + (stop is kill_ourselves), how


def test_what_a_step_stored_is_verified_before_it_is_used_again(
    first: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = another(first.dataset)
    with disturbed(monkeypatch, "compare", killed_before):
        in_a_worker_that_dies(run)
    for step, name in (("features", "features"), ("validate_model", "holdout_scores")):
        (entry,) = (one for one in run.steps.get(name=step).artifacts if one["name"] == name)
        replaced(entry["key"], b"spoilt".ljust(entry["n_bytes"], b"!"))  # of the same length, as a disk spoils them
    before = stamps(run)
    training.sweep(now=timezone.now() + timedelta(minutes=2), lost_after=timedelta(minutes=1))
    assert pipeline.execute(run.pk)
    ended_once_like(first, run, "spoilt")
    for entry in (one for step in run.steps.all() for one in step.artifacts):
        assert files.read(entry["key"], sha256=entry["sha256"]), "what was spoilt is whole again"
    assert stamps(run)["features"] != before["features"]
    assert stamps(run)["split_check"] == before["split_check"]


def replaced(key: str, content: bytes) -> None:
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content))


@pytest.mark.parametrize("name", ["features", "fit", "validate_model"])
def test_a_full_disk_is_told_and_leaves_no_half_artifact(
    first: TrainingRun, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Steps that write. The files of the undisturbed run are removed, or there would be nothing to write."""
    for folder in ("artifacts", "runs"):
        shutil.rmtree(default_storage.path(folder))
        Path(default_storage.path(folder)).mkdir()
    run = another(first.dataset)

    def full(work: Work) -> Work:
        def write(workspace: Workspace, report: StepReport) -> None:
            before.append(stored())
            with full_disk():
                work(workspace, report)

        return write

    before: list[set[str]] = []
    with disturbed(monkeypatch, name, full):
        assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert "disk is full" in run.outcome
    assert run.steps.get(name=name).status == "failed"
    assert [stored()] == before
    run = another(first.dataset)
    assert pipeline.execute(run.pk)


def stored() -> set[str]:
    return {path.name for folder in ("artifacts", "runs") for path in Path(default_storage.path(folder)).iterdir()}


def test_a_store_that_does_not_answer_is_tried_again_and_then_named(
    first: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [3, 4]

    def unreachable(work: Work) -> Work:
        def fail(workspace: Workspace, report: StepReport) -> None:
            failures[0] -= 1
            if failures[0] >= 0:
                raise files.StoreUnavailable("The store does not give or take runs/a: connection refused")
            work(workspace, report)

        return fail

    run = another(first.dataset)
    with disturbed(monkeypatch, "features", unreachable):
        assert pipeline.execute(run.pk)
    ended_once_like(first, run, "three times")
    assert run.steps.get(name="features").n_tries == 4

    failures[0] = 4
    run = another(first.dataset)
    with disturbed(monkeypatch, "features", unreachable):
        assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert "tried 4 times" in run.outcome


def test_the_example_of_a_program_as_trainer_makes_a_version_that_serves(
    settings: object, tmp_path: Path, first: TrainingRun
) -> None:
    program = PROJECT / "docs" / "examples" / "command_trainer.py"
    path = tmp_path / "trainers.toml"
    path.write_text(f"[trainers.pixels]\nkind = 'command'\ncommand = ['{sys.executable}', '{program}']\n")
    settings.TRAINERS_FILE = path  # type: ignore[attr-defined]
    RegisteredModel.objects.update(trainer="pixels")
    run = another(first.dataset)
    assert pipeline.execute(run.pk), TrainingRun.objects.get(pk=run.pk).outcome
    run.refresh_from_db()
    assert run.version.artifact.endswith(".onnx")
    assert run.version.metrics["trainer"]["training_accuracy"] > 0.3
    fit = run.steps.get(name="fit")
    assert "step 200 of 200" in fit.log
    assert {name: len(points) for name, points in fit.curves["series"].items()} == {"loss": 10, "accuracy": 10}
    assert fit.curves["series"]["loss"][-1][1] < fit.curves["series"]["loss"][0][1]
    assert Comparison.objects.get(training_run=run).n == run.dataset.n_holdout

    path.write_text("")
    run = another(first.dataset)
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert "No trainer “pixels” is declared" in run.outcome


def test_an_image_that_is_gone_is_named_with_what_to_do(first: TrainingRun) -> None:
    truth = GroundTruth.objects.filter(inspection__partition="train").first()
    assert truth is not None
    item = Item.objects.get(inspection=truth.inspection)
    replaced(item.image, b"no image at all")
    run = another(first.dataset)
    with connection.cursor() as cursor:  # nothing is known of it by its hash any more
        cursor.execute("DELETE FROM models_registry_imagefeatures")
    assert not pipeline.execute(run.pk)
    run.refresh_from_db()
    assert item.image in run.outcome
    assert "start the run again" in run.outcome
