"""An output that is moved away, copied, deleted or replaced under a living job; and two outputs
that might share a group."""

import signal
from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit.jobs import (
    APPROACHES,
    RECEIVER_AT_LEAST,
    Job,
    audit,
    await_batches,
    batches,
    manifests,
    path_of,
    publish,
    run_job,
    slowly,
    started,
)

PATIENCE_S = 120.0
RATE = 30


def move_away(services: Services, output: str) -> None:
    services.files.rename(path_of(output), f"{path_of(output)}-old")


def move_away_and_copy_back(services: Services, output: str) -> None:
    """As `hdfs dfs -mv` and then `-cp` do it."""
    move_away(services, output)
    old, files = f"{path_of(output)}-old", services.files
    for folder, folders, names in files.walk(old):
        place = folder.replace(old, path_of(output), 1)
        for below in folders:
            files.makedirs(f"{place}/{below}")
        for name in names:
            with files.read(f"{folder}/{name}") as reader:
                files.write(f"{place}/{name}", data=reader.read(), overwrite=True)


def delete(services: Services, output: str) -> None:
    services.files.delete(path_of(output), recursive=True)


def ended_with_its_sentence(job: Job, said: str) -> None:
    assert job.ended(PATIENCE_S) == 3, job.said()
    assert said in job.said() and "\n  next: find out who did that" in job.said(), job.said()


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (move_away, "the output was moved away or deleted while this driver ran"),
        pytest.param(
            move_away_and_copy_back,
            "the output was replaced, by a copy or an older state of it",
            marks=pytest.mark.long,
        ),
        pytest.param(
            delete,
            "the output was moved away or deleted while this driver ran",
            marks=pytest.mark.long,
        ),
    ],
)
@pytest.mark.parametrize(
    "busy", [True, pytest.param(False, marks=pytest.mark.long)], ids=["busy", "idle"]
)
@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_taken_away_under_a_living_job(
    services: Services,
    topic: str,
    output: str,
    approach: str,
    busy: bool,
    deed: object,
    said: str,
    tmp_path: Path,
) -> None:
    publish(services, topic, 900 if busy else 60)
    checkpoint = ("--checkpoint", f"{output}-checkpoint") if approach == "receiver_based" else ()
    with started(
        services, tmp_path, approach, topic, output, *slowly(approach, RATE), *checkpoint
    ) as job:
        await_batches(services, output, 2 if busy else 1, job)
        if not busy:
            job.until(
                lambda: sum(sum(m["counts"].values()) for m in manifests(services, output)) == 60,
                60,
                "all is published",
            )
        deed(services, output)  # type: ignore[operator]
        ended_with_its_sentence(job, said)
    if deed is delete:
        assert services.files.status(path_of(output), strict=False) is None, (
            "nothing was made there"
        )
    else:
        assert audit(services, topic, f"{output}-old", expect=1 if busy else 0)["duplicated"] == 0
    run_job(services, tmp_path, "direct", topic, output)  # a new output, or the copy continues
    assert audit(services, topic, output)["published"] == (900 if busy else 60)


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_another_output_in_its_place(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """The new driver has the same epoch as the old one, which lives, and sees neither it nor its
    batches."""
    publish(services, topic, 900)
    with started(services, tmp_path, approach, topic, output, *slowly(approach, RATE)) as old:
        await_batches(services, output, 2, old)
        move_away(services, output)
        with started(services, tmp_path, approach, topic, output, *slowly(approach, 300)) as new:
            ended_with_its_sentence(old, "the output")
            await_batches(services, output, 2, new)
            new.process.send_signal(signal.SIGTERM)
            assert new.ended(PATIENCE_S) == 0, new.said()
    run_job(services, tmp_path, "direct", topic, output)
    verdict = audit(services, topic, output)
    assert (verdict["published"], verdict["duplicated"]) == (900, 0)
    before = manifests(services, f"{output}-old")
    assert {manifest["identity"] for manifest in before}.isdisjoint(
        manifest["identity"] for manifest in manifests(services, output)
    )


def test_two_receiver_jobs_with_one_group_on_two_outputs(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """Both at epoch 1, started at once: in one group each would acknowledge the other's records."""
    publish(services, topic, 900)
    outputs = [f"{output}/{name}" for name in ("one", "two")]
    settings = ("--group", f"group-{topic}", *slowly("receiver_based", 90))
    one, two = (
        started(services, tmp_path, "receiver_based", topic, place, *settings) for place in outputs
    )
    with one as first, two as second:
        for job, place in ((first, outputs[0]), (second, outputs[1])):

            def all_there(place: str = place) -> bool:
                return (
                    sum(sum(manifest["counts"].values()) for manifest in manifests(services, place))
                    == 900
                )

            wait_until(
                all_there,
                PATIENCE_S,
                f"{place} has all, of {len(batches(services, place))} batches",
            )
            assert job.process.poll() is None, job.said()
    for place in outputs:
        assert audit(services, topic, place)["published"] == 900
