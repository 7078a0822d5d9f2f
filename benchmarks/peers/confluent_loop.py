"""A loop by hand over confluent-kafka: consume, score, write, commit."""

from confluent_kafka import Consumer, TopicPartition

from benchmarks.peers import shared


def main() -> None:
    job = shared.arguments()
    score, files = shared.scorer(job.scorer), shared.Files(job.output, job.index)
    consumer = Consumer(
        {"bootstrap.servers": job.bootstrap, "group.id": job.output, "enable.auto.commit": False}
    )
    partitions = [
        p
        for p in consumer.list_topics(job.topic).topics[job.topic].partitions
        if p % job.processes == job.index
    ]
    consumer.assign([TopicPartition(job.topic, p, 0) for p in partitions])
    left = {p: consumer.get_watermark_offsets(TopicPartition(job.topic, p))[1] for p in partitions}
    while any(left.values()):
        batch = [
            ((job.topic, m.partition(), m.offset(), m.timestamp()[1]), m.value())
            for m in consumer.consume(5000, 0.2)
        ]
        for (_topic, partition, _offset, _timestamp), _value in batch:
            left[partition] -= 1
        if files.add(shared.lines(batch, score)):
            consumer.commit(asynchronous=True)
    files.flush()
    consumer.commit(asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    main()
