"""The results file of the kill loops: what is summed, what is left out."""

from typing import Any

from tests.kit.faults import results


def job(recovered_s: list[float], lost: int = 0) -> dict[str, Any]:
    return {
        "faults": {"random": 1, "before rename": 2},
        "recovered_s": recovered_s,
        "starts": 4,
        "starts_that_published": 3,
        "ended_by_itself": {"1": 1},
        "longest_gap_s": max(recovered_s),
        "delivered_again": 5,
        "partial": 0,
        "service_away_s": [],
        "audit": {
            "in_kafka": 100,
            "published": 100,
            "batches": 7,
            **dict.fromkeys(results.AUDITED, 0),
            "lost": lost,
        },
    }


def a_slice(seed: int, **more: Any) -> dict[str, Any]:
    place = {
        "commit": "abc",
        "again": "pytest …",
        "date": f"2026-01-0{seed}",
        "load_per_s": 60,
        "limit_s": 180.0,
    }
    return {"kind": "driver", "seed": seed, "seconds": 60, **place, **more}


def test_good_slices_are_summed_and_failed_ones_named() -> None:
    slices = [
        a_slice(1, jobs={"direct": job([1.0, 2.0, 9.0])}),
        a_slice(2, jobs={"direct": job([3.0])}),
        a_slice(3, jobs={"direct": job([4.0], lost=2)}, failure="lost 2"),
    ]
    merged = results.merged(slices)
    direct = merged["kinds"]["driver"]["jobs"]["direct"]
    assert (direct["kills"], direct["records"], direct["lost"], direct["delivered_again"]) == (
        6,
        200,
        0,
        10,
    )
    assert direct["kills_by_moment"] == {"before rename": 4, "random": 2}
    assert direct["recovery_s"] == {"n": 4, "p50": 2.0, "p95": 9.0, "max": 9.0}
    assert [(failed["seed"], failed["failure"]) for failed in merged["failed"]] == [(3, "lost 2")]
    assert (
        "| driver | direct | 6 | 200 | 0 | 0 | 0 | 0 | 0 | 10 | 2 / 9 / 9 s | 9 s |"
        in results.table(merged)
    )


def test_slices_of_one_job_each_add_up() -> None:
    slices = [
        a_slice(1, jobs={"direct": job([1.0])}),
        a_slice(2, jobs={"receiver_based": job([2.0])}),
        a_slice(3, jobs={"receiver_based": job([3.0])}),
    ]
    jobs = results.merged(slices)["kinds"]["driver"]["jobs"]
    assert {name: found["records"] for name, found in jobs.items()} == {
        "direct": 100,
        "receiver_based": 200,
    }
