"""The commit protocol: a staged batch becomes one published folder by one rename that never
overwrites.

    _staging/<epoch>-<nonce>/<seq>-<uuid>.parts/  what the tasks of one attempt write
    _staging/<epoch>-<nonce>/<seq>-<uuid>/        the winners among it, and the manifest
    batches/<shard>/<seq>/                        published, immutable

The number of the batch is the collision key: whoever publishes it first has won, whatever else goes
on. Who may publish is consumers/output/ownership.py's affair.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.errors import ConfigError, DataLossRisk, Fenced
from consumers.output import chain, fail_points, manifests
from consumers.output.files import Files
from consumers.output.manifests import Covered, Manifest, Partition
from consumers.output.ownership import Ownership, now


@dataclass(frozen=True)
class Stage:
    """One attempt at a batch: `parts` is the folder for the tasks, `folder` what will be
    published."""

    seq: int
    commit_id: str
    folder: str

    @property
    def parts(self) -> str:
        return f"{self.folder}.parts"


@dataclass
class Batch:
    """What a stage holds when its tasks are done: ranges (topic, partition, from, until), counts,
    the part files {kind, name, bytes, records} that won, and Kafka's leader epoch of the last
    record of each partition."""

    ranges: list[tuple[str, int, int, int]]
    counts: dict[str, int]
    files: list[dict[str, Any]] = field(default_factory=list)
    leader_epochs: Mapping[Partition, int] = field(default_factory=dict)
    accepted_loss: str | None = None  # who and why; the ranges are lost then, not read


class Output:
    """One output folder, owned by this driver until a newer one fences it off or somebody takes it
    away.

    Raises ConfigError for an output of another version, DataLossRisk where batches are missing,
    Fenced.
    """

    def __init__(self, files: Files, approach: str, scorer: str) -> None:
        self.files, self.approach, self.scorer = files, approach, scorer
        try:
            self.own = Ownership(files, approach)
        except FileNotFoundError as error:
            what, remedy = (
                f"the output was taken away while this driver started: {error} is gone",
                "see who did that; start again",
            )
            raise DataLossRisk(what, files.root, remedy) from None
        # Only now: whatever a predecessor had under way has been published before the fence, or
        # never will be.
        self.seq, last, self._previous = self._last()
        self.covered: Covered = last.covered if last else {}
        self.leader_epochs: dict[Partition, int] = last.leader_epochs if last else {}
        self.topics: dict[str, str] = last.topics if last else {}
        if self.seq:
            chain.remember(files, self.own.identity, self.seq)

    def _last(self) -> tuple[int, Manifest | None, str | None]:
        """The next number, the last manifest and its hash. Raises DataLossRisk if somebody has
        taken batches away."""
        seq = chain.length(self.files, self.own.identity)
        if not seq:
            return 0, None, None
        manifest, data = chain.manifest(self.files, seq - 1)
        if manifest.identity != self.own.identity:
            what = (
                f"the last batch is of the output {manifest.identity}, this one is "
                f"{self.own.identity}"
            )
            raise DataLossRisk(
                what,
                f"{self.files.root}/{chain.folder(seq - 1)}",
                "scripts/audit.py shows what is there",
            )
        return seq, manifest, manifests.digest(data)

    def begin(
        self,
        topics: Mapping[str, str],
        offsets: Mapping[Partition, tuple[int, int]],
        accept_loss: str = "",
    ) -> None:
        """Hold the output against Kafka before anything is read: topic ids by name, [begin, end) of
        each partition.

        Raises ConfigError if the output belongs to other topics, DataLossRisk if going on would
        skip records. With `accept_loss` (who and why) records that retention has deleted become a
        published batch of their own, without files.
        """
        foreign = sorted(set(self.topics) - set(topics))
        if foreign:
            held = ", ".join(sorted(self.topics))
            raise ConfigError(
                f"the output belongs to {held}, this job reads {', '.join(topics)}",
                self.files.root,
                "another --output",
            )
        self.check_topics(topics)
        for partition, (start, _end) in offsets.items():
            # One that a topic got while no job looked began at 0, as one that it gets while a job
            # runs (manifests.cover).
            begin = 0 if partition[0] in self.topics else start
            self.covered.setdefault(partition, [(begin, begin)])
        lost = [
            gap
            for partition, known in self.covered.items()
            for gap in manifests.deleted(partition, known, offsets.get(partition))
        ]
        if lost and not accept_loss:
            shown = " ".join(
                f"{topic}[{partition}] [{start}, {end})" for topic, partition, start, end in lost
            )
            count = sum(end - start for *_, start, end in lost)
            remedy = "a new --output, or --accept-loss 'WHO AND WHY' to go on behind them"
            raise DataLossRisk(
                f"retention has deleted {count} records that were not published", shown, remedy
            )
        self.topics = dict(topics)
        if lost:
            self.publish(self.stage(), Batch(lost, {}, accepted_loss=accept_loss))

    def check_topics(self, topics: Mapping[str, str]) -> None:
        """Raises DataLossRisk if one of the output's topics has another id in Kafka by now;
        `topics` are ids by name."""
        for topic, known in self.topics.items():
            if topics[topic] != known:
                what = (
                    f"topic {topic} was deleted and made anew: its id was {known} and is "
                    f"{topics[topic]}"
                )
                raise DataLossRisk(what, self.files.root, "start the new topic with a new --output")

    def stage(self) -> Stage:
        """A place for one attempt at the next batch. Raises Fenced or DataLossRisk if the output is
        no longer this driver's."""
        commit_id = str(uuid.uuid4())
        stage = Stage(self.seq, commit_id, f"{self.own.staging}/{self.seq:010d}-{commit_id}")
        try:
            for folder in (
                stage.parts,
                stage.folder,
                f"{stage.folder}/tweets",
                f"{stage.folder}/rejected",
            ):
                self.files.mkdir(folder)
        except (FileExistsError, FileNotFoundError):
            raise self.own.lost() from None
        fail_points.visit("stage made")
        return stage

    def publish(self, stage: Stage, batch: Batch) -> Manifest:
        """Make the stage visible as the next batch.

        Raises Fenced if another driver has published it or taken over, DataLossRisk if the output
        was moved, replaced or deleted.
        """
        fail_points.visit("tasks done")
        try:
            files = [self._take(stage, file) for file in batch.files]
            fail_points.visit("files taken")
            manifest = self._manifest(stage, batch, files)
            data = manifest.to_bytes()
            # Moved into the stage like the rest: a manifest that is there is whole.
            self.files.create(f"{stage.parts}/_manifest.json", data, overwrite=True)
            self._move(stage, "_manifest.json", "_manifest.json")
            if stage.seq % chain.SHARD == 0:
                self.files.mkdir(chain.shard(stage.seq))
            if not self.own.holds():
                raise self.own.lost()
            fail_points.visit("before rename")
            self.files.rename(stage.folder, chain.folder(stage.seq))
            fail_points.visit("after rename")
        except (FileExistsError, FileNotFoundError):
            # An answer may have been lost on its way: what stands at the target decides.
            if not chain.published(self.files, stage.seq):
                raise self.own.lost() from None
            if chain.manifest(self.files, stage.seq)[0].commit_id != stage.commit_id:
                what = f"another driver has published batch {stage.seq}"
                beaten = Fenced(what, self.files.root, "leave the output to it")
                raise (beaten if self.own.holds() else self.own.lost()) from None
        self.files.delete(stage.parts)
        self.seq, self.covered, self._previous = (
            stage.seq + 1,
            manifest.covered,
            manifests.digest(data),
        )
        self.leader_epochs = manifest.leader_epochs
        if stage.seq == 0:
            chain.remember(self.files, self.own.identity, 1)
        return manifest

    def _manifest(self, stage: Stage, batch: Batch, files: list[dict[str, Any]]) -> Manifest:
        return Manifest(
            identity=self.own.identity,
            seq=stage.seq,
            epoch=self.own.epoch,
            commit_id=stage.commit_id,
            approach=self.approach,
            batch_time=now(),
            previous=self._previous,
            topics=self.topics,
            ranges=batch.ranges,
            covered=manifests.cover(self.covered, batch.ranges),
            counts=batch.counts,
            files=files,
            scorer=self.scorer,
            accepted_loss=batch.accepted_loss,
            leader_epochs=manifests.latest(self.leader_epochs, batch.leader_epochs),
        )

    def _take(self, stage: Stage, file: Mapping[str, Any]) -> dict[str, Any]:
        """Move one task's file from the attempt's folder into the stage; files of attempts that
        lost stay behind."""
        path = f"{file['kind']}/part-{file['name'].partition('-')[2]}"
        self._move(stage, file["name"], path)
        return {"path": path, "bytes": file["bytes"], "records": file["records"]}

    def _move(self, stage: Stage, name: str, path: str) -> None:
        try:
            self.files.rename(f"{stage.parts}/{name}", f"{stage.folder}/{path}")
        except (FileExistsError, FileNotFoundError):
            # it is there if the answer was lost
            if not self.files.exists(f"{stage.folder}/{path}"):
                raise
