"""What lies on disk, damaged: checkpoints, write-ahead logs, manifests, part files. Hostile
records, large ones, many at once.

Nothing is silently dropped: a job continues, or says what to do; after that the output is whole.
"""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaProducer

from consumers.output import fail_points
from producer.publishing.brokers import RECORD_BYTES
from tests.conftest import Services, wait_until
from tests.kit import jobs
from tests.kit.faults.trials import Trial, below, supervised, tear, tear_log
from tests.kit.jobs import (
    APPROACHES,
    FINDINGS,
    audit,
    batches,
    checkpoint_of,
    publish,
    published_records,
    run_job,
    slowly,
    started,
)
from tests.kit.producing import produce

SAYS_WHAT_TO_DO = (
    "start with another --checkpoint: the output knows what is published, nothing is lost"
)


def with_backlog(trial: Trial) -> None:
    """900 tweets on the topic; the job killed when it has stored a part of them and published
    less."""
    publish(trial.services, trial.topic, 900)
    trial.services.files.write(trial.path(fail_points.MARK), data=b"", overwrite=True)
    with trial.job("--fail-point", "tasks done:2") as job:
        assert job.ended(120) == -signal.SIGKILL, job.said()


def checkpoint_removed(trial: Trial) -> None:
    trial.services.files.delete(checkpoint_of(trial.services, trial.output), recursive=True)


def newest_checkpoint_torn(trial: Trial) -> None:
    tear(trial.services, f"{checkpoint_of(trial.services, trial.output)}/{_checkpoints(trial)[-1]}")


def every_checkpoint_torn(trial: Trial) -> None:
    for name in _checkpoints(trial):
        tear(trial.services, f"{checkpoint_of(trial.services, trial.output)}/{name}")


def _checkpoints(trial: Trial) -> list[str]:
    names = [
        name
        for name in trial.services.files.list(checkpoint_of(trial.services, trial.output))
        if name.startswith("checkpoint-")
    ]
    assert names, "the job had made a checkpoint"
    return names


def made_by_another_version(_: Trial) -> None:
    """The seeded change did it: that checkpoint names a function that this program does not
    have."""


def drivers_log_torn(trial: Trial) -> None:
    tear_log(trial.services, f"{checkpoint_of(trial.services, trial.output)}/receivedBlockMetadata")


def receivers_log_torn(trial: Trial) -> None:
    tear_log(trial.services, f"{checkpoint_of(trial.services, trial.output)}/receivedData/0")


@pytest.mark.long
@pytest.mark.parametrize(
    ("damage", "goes_on"),
    [
        (checkpoint_removed, True),
        (newest_checkpoint_torn, True),
        (every_checkpoint_torn, False),
        (made_by_another_version, False),
        (drivers_log_torn, True),
        (receivers_log_torn, False),
    ],
)
def test_damaged_checkpoint(
    services: Services,
    topic: str,
    output: str,
    tmp_path: Path,
    damage: Callable[[Trial], None],
    goes_on: bool,
) -> None:
    """The receiver job continues by itself, or ends with 2 and says to use another checkpoint; with
    that it publishes the rest."""
    bug = "another_version" if damage is made_by_another_version else "none"
    trial = Trial(
        services, tmp_path, bug, "receiver_based", topic, output, slowly("receiver_based", 300)
    )
    with_backlog(trial)
    damage(trial)
    said = run_job(
        services,
        tmp_path,
        "receiver_based",
        topic,
        output,
        *trial.settings,
        expect=0 if goes_on else 2,
    )
    if not goes_on:
        assert SAYS_WHAT_TO_DO in said, said
        run_job(
            services,
            tmp_path,
            "receiver_based",
            topic,
            output,
            *trial.settings,
            "--checkpoint",
            f"{output}/_checkpoint-2",
        )
    assert audit(services, topic, output)["published"] == 900


@pytest.mark.long
def test_the_direct_job_needs_no_checkpoint(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """It continues with what the receiver job left, whatever became of that job's checkpoint."""
    trial = Trial(
        services, tmp_path, "none", "receiver_based", topic, output, slowly("receiver_based", 300)
    )
    with_backlog(trial)
    every_checkpoint_torn(trial)
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 900


def test_an_output_changed_by_hand_is_named(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """The audit names each file that is not as it was published; a start refuses to go on behind a
    manifest that is no more."""
    publish(services, topic, 1500)
    run_job(services, tmp_path, "direct", topic, output, *slowly("direct", 300))
    files, root = services.files, f"{jobs.path_of(output)}/batches"
    names = batches(services, output)
    assert len(names) >= 4
    parts = [
        f"{name}/{jobs.manifests(services, output)[at]['files'][0]['path']}"
        for at, name in enumerate(names)
    ]

    files.delete(f"{root}/{parts[0]}")
    tear(services, f"{root}/{parts[1]}")
    with files.read(f"{root}/{names[2]}/_manifest.json") as reader:
        edited = {**json.load(reader), "scorer": "another"}
    files.write(
        f"{root}/{names[2]}/_manifest.json", data=json.dumps(edited).encode(), overwrite=True
    )
    found = audit(services, topic, output, expect=1)["samples"]
    assert (
        f"batches/{parts[0]} is missing".replace("/tweets", ": tweets") in found["chain_errors"]
    ), found
    assert any(
        f"{names[1]}: tweets" in where and "bytes, the manifest says" in where
        for where in found["chain_errors"]
    ), found
    assert any(f"{names[3]}: the manifest before it" in where for where in found["chain_errors"]), (
        found
    )
    assert found["lost"], "and what was in the files is missed"

    files.delete(f"{root}/{names[-1]}/_manifest.json")
    said = run_job(services, tmp_path, "direct", topic, output, expect=3)
    assert "the chain is broken" in said and f"batches/{names[-1]}/_manifest.json" in said, said


POISON: list[tuple[bytes | None, bytes | None]] = [
    (b"utf8", b'{"id":"1","text":"\xff\xfe"}'),
    (b"nul", b'{"id":"2","text":"a\\u0000b"}'),
    (b"raw nul", b'{"id":"3","text":"a\x00b"}'),
    (b"line ends", b'{\r\n"id":"4",\r"text":"a\\r\\nb"\n}\r\n'),
    (b"ansi", b'{"id":"5","text":"\\u001b[31mred\\u001b[0m \\u202egnirts"}'),
    (b"deep", b"[" * 100_000 + b"]" * 100_000),
    (b"deep inside", b'{"id":"6","text":"x","more":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001),
    (b"number", b'{"id":"7","text":"x","n":' + b"9" * 900_000 + b"}"),
    (b"exponent", b'{"id":"8","text":"x","n":1e999999999}'),
    (b"twice", b'{"id":"9","id":"10","text":"a","text":"b","Text":"c"}'),
    (b"half", b'{"id":"11","text":"half \\ud83d"}'),
    (b"empty", b""),
    (b"blank", b" \t\n"),
    (b"tombstone", None),
    (None, b'{"id":"12","text":"no key"}'),
    (b"\xff\x00key", b"not json"),
    (b"null", b"null"),
    (b"formula", b'{"id":"13","text":"=cmd|calc!A1"}'),
    (b"half a tweet", b'{"id":"14","text":"'),
    (b"key of the row", b'{"id":"15","text":"a","tweet":{"kafka":1}},"kafka":{}'),
]


@pytest.mark.parametrize(
    "approach", ["direct", pytest.param("receiver_based", marks=pytest.mark.long)]
)
def test_poison_comes_through_byte_for_byte(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Each poisoned record, among good ones, is published exactly once as tweet, deletion or
    rejected, its bytes unchanged."""
    client = KafkaProducer(bootstrap_servers=services.bootstrap, max_request_size=2 * RECORD_BYTES)
    for key, value in POISON * 3:
        client.send(topic, key=key, value=value)
        client.send(topic, key=b"good", value=b'{"id":"99","text":"good"}')
    client.close()
    said = run_job(services, tmp_path, approach, topic, output)
    verdict = audit(services, topic, output)
    assert verdict["published"] == len(POISON) * 6
    assert verdict["rejected"] >= 3 * 8 and verdict["deleted"] == 3
    assert "gnirts" not in said and "\x1b" not in said, "tweets stay out of the log"


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_records_at_the_size_limit(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """What the broker takes the job publishes, to the byte; what is larger the producer rejects,
    and says so."""
    file = tmp_path / "large.jsonl"
    frame = b'{"id":"1","text":""}'
    sizes = range(RECORD_BYTES - 120, RECORD_BYTES + 2, 20)
    file.write_bytes(
        b"\n".join(frame[:-2] + b"x" * (size - len(frame)) + frame[-2:] for size in sizes)
    )
    out, err = produce(services, "--source", "replay", "--file", str(file), "--topic", topic)
    report = json.loads(out)
    assert report["read"] == len(sizes) == report["acked"] + report["rejected"]
    assert report["acked"] and report["rejected"] and err.count("too large") >= report["rejected"]
    run_job(services, tmp_path, approach, topic, output)
    assert audit(services, topic, output)["tweets"] == report["acked"]


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_backlog_is_drained_in_bounded_memory(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Ten times what the job is given in the time that it is away."""
    publish(services, topic, 60_000)
    with started(services, tmp_path, approach, topic, output, "--available-now") as job:
        peak = 0

        def ended() -> bool:
            nonlocal peak
            peak = max(peak, resident_mb(job.process.pid))
            return job.process.poll() is not None

        job.until(ended, 300, "the backlog is drained")
        assert job.process.returncode == 0, job.said()
    assert peak < 1800, "the driver's JVM is given 1 GB of heap"
    assert audit(services, topic, output)["published"] == 60_000


def resident_mb(pid: int) -> int:
    """The memory of a process that is in use, in MB; 0 when it has ended."""
    done = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return int(done.stdout.strip() or 0) // 1024


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_killed_supervisor_is_replaced(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Its job continues alone; the next supervisor's job takes over and the first one ends,
    fenced."""
    publish(services, topic, 3000)
    place = (services, tmp_path, approach, topic, output)
    with supervised(*place, *slowly(approach, 100)) as first:
        jobs.await_batches(services, output, 1, first)
        (orphan,) = below(first.process.pid, "java")
        first.process.kill()
        first.process.wait()
        alone = len(batches(services, output))
        wait_until(
            lambda: len(batches(services, output)) > alone,
            60,
            "the job goes on without its supervisor",
        )
        with supervised(*place, "--available-now", *slowly(approach, 100)) as second:
            assert second.ended(240) == 0, second.said()
        wait_until(lambda: not resident_mb(orphan), 60, "the first job has ended")
        assert (
            "a newer driver has taken over" in first.said()
            or "another driver has published" in first.said()
        ), first.said()
    verdict = audit(services, topic, output)
    assert verdict["published"] == 3000 == published_records(services, output)
    assert not any(verdict[kind] for kind in FINDINGS)
