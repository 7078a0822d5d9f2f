"""A driver that was thought dead comes back, or two drivers want one output: one continues, the
other ends with 4."""

import json
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from consumers.output import fail_points
from tests.conftest import ROOT, Services, wait_until
from tests.kit.clusters import stopped
from tests.kit.faults.attacks import RATE, Attack, attacked
from tests.kit.faults.proxy import HOLD_CALL
from tests.kit.faults.slices import KILLS
from tests.kit.faults.watching import load
from tests.kit.jobs import (
    APPROACHES,
    Job,
    audit,
    checkpoint_of,
    manifests,
    path_of,
    publish,
    run_job,
    slowly,
    started,
)

ROUNDS = 2 * KILLS  # 50, unless FAULT_ROUNDS says otherwise
RESULTS = ROOT / "docs" / "results" / "two-drivers.json"
HELD = "fail point: held"
PATIENCE_S = 120
TAKEN_OVER = ("a newer driver has taken over", "another driver has published batch")


def outlived(attack: Attack, zombie: Job, come_back: Callable[[], None]) -> None:
    """A successor takes the output over and publishes; then the zombie comes back, ends with 4, and
    the successor continues."""
    with attack.started("--available-now") as successor:
        attack.grows(successor)
        come_back()
        assert zombie.ended(PATIENCE_S) == 4, zombie.said()
        assert any(words in zombie.said() for words in TAKEN_OVER), zombie.said()
        assert successor.ended(PATIENCE_S) == 0, successor.said()


FROZEN = [
    (approach, point)
    for point in ("before rename", "manifest written", "tasks done")
    for approach in APPROACHES
]


@pytest.mark.parametrize(
    ("approach", "point"),
    [FROZEN[0], *(pytest.param(*row, marks=pytest.mark.long) for row in FROZEN[1:])],
)
def test_frozen_at_the_commit_and_thawed(
    services: Services, topic: str, output: str, approach: str, point: str, tmp_path: Path
) -> None:
    thaw = tmp_path / "thaw"
    with (
        attacked(services, tmp_path, approach, topic, output, records=600) as attack,
        attack.started("--fail-point", f"{point}:1:{thaw}") as zombie,
    ):
        zombie.until(lambda: HELD in zombie.said(), PATIENCE_S, f"it is held at {point}")
        outlived(attack, zombie, thaw.touch)
    assert {manifest["epoch"] for manifest in manifests(services, output)} == {2}, (
        "the zombie has published nothing"
    )


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_stopped_and_continued(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """SIGSTOP of the driver, its Python and its workers, anywhere in a batch."""
    with (
        attacked(services, tmp_path, approach, topic, output) as attack,
        attack.started() as zombie,
    ):
        attack.grows(zombie)
        with ExitStack() as frozen:
            frozen.enter_context(stopped([zombie.process.pid]))
            outlived(attack, zombie, frozen.close)


@pytest.mark.long
def test_what_a_living_zombie_acknowledges_is_not_missing(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """A receiver job in its first batch of five minutes does not know yet that it has a successor,
    and continues receiving."""
    with (
        attacked(services, tmp_path, "receiver_based", topic, output, records=600) as attack,
        attack.started("--batch-interval-s", "300") as zombie,
    ):

        def has_received() -> bool:
            there = services.files.status(f"{path_of(output)}/_checkpoint", strict=False)
            return bool(
                there
                and services.files.status(
                    f"{checkpoint_of(services, output)}/receivedBlockMetadata", strict=False
                )
            )

        zombie.until(has_received, PATIENCE_S, "it has received something")
        with attack.started(
            "--available-now", "--checkpoint", f"{output}/_checkpoint-2"
        ) as successor:
            assert successor.ended(PATIENCE_S) == 0, successor.said()
        assert zombie.process.poll() is None, zombie.said()


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_living_driver_goes_on_while_its_successor_starts(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """It publishes beyond where the topic ended when the successor began, which is no truncated
    topic."""
    go = tmp_path / "go"
    with attacked(services, tmp_path, approach, topic, output, records=300) as attack:
        with load(services, topic, tmp_path, seed=4), attack.started() as old:
            attack.grows(old)
            with attack.started("--fail-point", f"before the claim:1:{go}") as new:
                new.until(
                    lambda: HELD in new.said(),
                    PATIENCE_S,
                    "the successor has seen the topic, and fenced no driver yet",
                )
                attack.grows(old, by=2)
                go.touch()
                assert old.ended(PATIENCE_S) == 4, old.said()
                attack.grows(new, by=2)
                new.process.send_signal(signal.SIGTERM)
                assert new.ended(PATIENCE_S) == 0, new.said()
        run_job(services, tmp_path, approach, topic, attack.address, *slowly(approach, RATE))
        attack.records = attack.on_topic()


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_an_idle_driver_learns_that_it_has_a_successor(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    with (
        attacked(services, tmp_path, approach, topic, output, records=300) as attack,
        attack.started() as idle,
    ):
        attack.all_published(idle)
        with attack.started("--available-now") as successor:
            assert successor.ended(PATIENCE_S) == 0, successor.said()
        assert idle.ended(PATIENCE_S) == 4, idle.said()
        assert TAKEN_OVER[0] in idle.said()


@pytest.mark.long
@pytest.mark.parametrize("killed", [False, True], ids=["waiting for it", "killed meanwhile"])
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_commit_that_reaches_the_namenode_late(
    services: Services, topic: str, output: str, approach: str, killed: bool, tmp_path: Path
) -> None:
    """The rename is on its way for so long that a successor publishes a batch of the same number
    before."""
    with (
        attacked(services, tmp_path, approach, topic, output) as attack,
        attack.started() as zombie,
    ):
        attack.grows(zombie)
        commit = attack.line.on("rename2", HOLD_CALL, about="/batches/", times=1)
        zombie.until(commit.held.is_set, PATIENCE_S, "a commit is held")
        if killed:
            zombie.kill()
            with attack.started("--available-now") as successor:
                attack.grows(successor)
                attack.line.heal()
                assert commit.answered.wait(30), "the NameNode has answered the late rename"
                assert successor.ended(PATIENCE_S) == 0, successor.said()
        else:
            outlived(attack, zombie, attack.line.heal)


@pytest.mark.long
def test_two_supervised_jobs_do_not_fence_each_other_for_ever(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    supervised = ("--supervise",)
    with (
        attacked(services, tmp_path, "direct", topic, output, records=6000) as attack,
        attack.started(spark=supervised) as one,
    ):
        attack.grows(one)
        with attack.started(spark=supervised) as other:
            both = [one, other]
            one.until(
                lambda: any(job.process.poll() is not None for job in both),
                2 * PATIENCE_S,
                "one of them gives up",
            )
            loser, winner = sorted(both, key=lambda job: job.process.poll() is None)
            assert loser.process.returncode == 4, loser.said()
            assert "two jobs share this output" in loser.said()
            attack.all_published(winner, 2 * PATIENCE_S)
            winner.process.send_signal(signal.SIGTERM)
            assert winner.ended(PATIENCE_S) == 0, winner.said()


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.long)])
def test_two_drivers_started_at_the_same_moment(
    services: Services, topic: str, output: str, rounds: int, tmp_path: Path
) -> None:
    """On one output for each pairing, which grows; let go together from a point of the protocol, or
    as chance has it."""
    found = [
        one_round(services, tmp_path, topic, f"{output}/{number % 3}", number)
        for number in range(rounds)
    ]
    if rounds > 1:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures(found), indent=1) + "\n")


def one_round(
    services: Services, folder: Path, topic: str, output: str, number: int
) -> dict[str, Any]:
    """Two drivers with new records for their output; what became of them, after the audit."""
    publish(services, topic, 100, "--seed", str(number))
    pair = [
        ("direct", "receiver_based"),
        ("direct", "direct"),
        ("receiver_based", "receiver_based"),
    ][number % 3]
    services.files.write(f"{path_of(output)}/{fail_points.MARK}", data=b"", overwrite=True)
    go = folder / f"go-{number}"
    point = ("epoch claimed", "", "before rename", "")[number % 4]
    barrier = ("--fail-point", f"{point}:1:{go}") if point else ()
    with ExitStack() as stack:
        both = [
            stack.enter_context(
                started(
                    services,
                    folder,
                    approach,
                    topic,
                    output,
                    "--available-now",
                    *slowly(approach, 45),
                    *barrier,
                )
            )
            for approach in pair
        ]
        if point:
            # or the older one is fenced off before
            wait_until(
                lambda: all(HELD in job.said() or job.process.poll() is not None for job in both),
                PATIENCE_S,
                "both are there",
            )
        go.touch()
        codes = [job.ended(PATIENCE_S) for job in both]
    assert sorted(codes) == [0, 4], "\n\n".join(job.said() for job in both)
    assert any(words in both[codes.index(4)].said() for words in TAKEN_OVER)
    epochs = [manifest["epoch"] for manifest in manifests(services, output)]
    newer = 2 * (number // 3 + 1)
    assert epochs == sorted(epochs) and epochs[-1] == newer, "the newer one goes on"
    verdict = audit(services, topic, output)
    winner = pair[codes.index(0)]
    return {
        "drivers": " and ".join(pair),
        "let go together": point or "by chance",
        "winner": f"{winner}, {'first' if codes[0] == 0 else 'second'} on the command line",
        "exit codes": " and ".join(map(str, sorted(codes))),
        "batches": epochs.count(newer),
        "batches of the fenced one": epochs.count(newer - 1),
        **{
            name: verdict[name]
            for name in ("lost", "duplicated", "invented", "corrupted", "chain_errors")
        },
    }


def figures(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums of the numbers, and how often each of the words."""
    numbers = [name for name, value in found[0].items() if isinstance(value, int)]
    words = [name for name in found[0] if name not in numbers]
    return {
        "test": "tests/fault/consumers/test_zombies.py"
        "::test_two_drivers_started_at_the_same_moment",
        "rounds": len(found),
        **{name: dict(sorted(Counter(row[name] for row in found).items())) for name in words},
        **{name: sum(row[name] for row in found) for name in numbers},
    }
