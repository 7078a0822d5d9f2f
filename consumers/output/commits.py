"""The commit protocol: a staged batch becomes one published folder by one rename that never
overwrites.

    _staging/<epoch>-<nonce>/<seq>-<uuid>.parts/  what the tasks of one attempt write
    _staging/<epoch>-<nonce>/<seq>-<uuid>/        the winners among it, and the manifest
    batches/<shard>/<seq>/                        published, immutable

The number of the batch is the collision key: the driver that publishes it first has won, whatever
else happens. consumers/output/ownership.py says which driver may publish.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from config.errors import Fenced
from consumers.output import chain, continuity, fail_points, manifests
from consumers.output.chain import Tip
from consumers.output.files import Files
from consumers.output.manifests import Covered, Manifest, Partition, Range
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

    ranges: list[Range]
    counts: dict[str, int]
    files: list[dict[str, Any]] = field(default_factory=list)
    leader_epochs: Mapping[Partition, int] = field(default_factory=dict)
    accepted_loss: str | None = None  # who and why; the ranges are lost then, not read


class Output:
    """One output folder, owned by this driver until a newer one fences it off or the folder is
    moved or deleted. `take_over` makes one.

    `covered` is what is published, `topics` their ids by name, `seq` the next batch's number.
    """

    def __init__(
        self, own: Ownership, scorer: str, tip: Tip, topics: Mapping[str, str], covered: Covered
    ) -> None:
        self.files, self.own, self.scorer = own.files, own, scorer
        self.seq, self._previous = tip.seq, tip.digest
        self.topics, self.covered = dict(topics), covered
        self.leader_epochs = tip.manifest.leader_epochs if tip.manifest else {}
        self.given_up = 0  # records that this start accepted as lost

    @classmethod
    def take_over(
        cls,
        own: Ownership,
        scorer: str,
        topics: Mapping[str, str],
        offsets: Mapping[Partition, tuple[int, int]],
        accept_loss: str = "",
    ) -> "Output":
        """The output as its owner finds it, held against Kafka: topic ids by name, and [begin, end)
        of each partition, which were asked for after the claim.

        Raises ConfigError for an output of another version or of other topics, DataLossRisk where
        batches are missing or continuing would skip records. With `accept_loss` (who and why)
        records that retention has deleted become a published batch of their own, without files.
        """
        # Only after the claim: whatever a predecessor had under way has been published before the
        # fence, or never will be.
        tip = chain.tip(own.files, own.identity)
        if tip.seq:
            chain.remember(own.files, own.identity, tip.seq)
        held = tip.manifest.topics if tip.manifest else {}
        continuity.check_names(held, topics, own.files.root)
        continuity.check_topics(held, topics, own.files.root)
        covered = tip.manifest.covered if tip.manifest else {}
        covered = continuity.with_new_partitions(covered, held, offsets)
        lost = continuity.deleted(covered, offsets)
        if lost and not accept_loss:
            raise continuity.refuse_loss(lost)
        output = cls(own, scorer, tip, topics, covered)
        if lost:
            output.publish(output.stage(), Batch(lost, {}, accepted_loss=accept_loss))
            output.given_up = sum(end - start for _topic, _partition, start, end in lost)
        return output

    def check_topics(self, topics: Mapping[str, str]) -> None:
        """Raises DataLossRisk if one of the output's topics has another id in Kafka by now;
        `topics` are ids by name."""
        continuity.check_topics(self.topics, topics, self.files.root)

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
            files = self.files.each(partial(self._take, stage), batch.files)
            fail_points.visit("files taken")
            manifest = self._manifest(stage, batch, files)
            data = manifest.to_bytes()
            # Moved into the stage like the rest: a manifest that is there is whole.
            self.files.create(f"{stage.parts}/_manifest.json", data, overwrite=True)
            fail_points.visit("manifest written")
            self._move(stage, "_manifest.json", "_manifest.json")
            if stage.seq % chain.SHARD == 0:
                self.files.mkdir(chain.shard(stage.seq))
            if not self.own.holds():
                raise self.own.lost()
            fail_points.visit("before rename")
            self.files.rename(stage.folder, chain.folder(stage.seq))
            fail_points.visit("after rename")
        except (FileExistsError, FileNotFoundError):
            # The rename may have succeeded although its answer was lost: look whether our batch is
            # at the target.
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

    def _manifest(self, stage: Stage, batch: Batch, files: Sequence[dict[str, Any]]) -> Manifest:
        return Manifest(
            identity=self.own.identity,
            seq=stage.seq,
            epoch=self.own.epoch,
            commit_id=stage.commit_id,
            approach=self.own.approach,
            batch_time=now(),
            previous=self._previous,
            topics=self.topics,
            ranges=batch.ranges,
            covered=manifests.cover(self.covered, batch.ranges),
            counts=batch.counts,
            files=list(files),
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
        move(self.files, f"{stage.parts}/{name}", f"{stage.folder}/{path}")


def move(files: Files, source: str, target: str) -> None:
    """Move a file within the staging folder. Raises FileExistsError or FileNotFoundError where it
    is not there afterwards."""
    try:
        files.rename(source, target)
    except (FileExistsError, FileNotFoundError):
        # it is there if the answer was lost
        if not files.exists(target):
            raise
