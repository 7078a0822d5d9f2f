package kafkadstreams;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the driver asks Kafka: which partitions there are, where they begin and end, and what a group has committed. */
final class Offsets {
  private static final Logger LOG = LoggerFactory.getLogger(Offsets.class);
  private static final AtomicLong LOST = new AtomicLong();
  private static final Map<Map<String, String>, Offsets> OPEN = new ConcurrentHashMap<>();

  private final Admin admin;
  private final ListOffsetsOptions isolation;
  private final String address;

  private Offsets(Map<String, String> params) {
    admin = Admin.create(Params.admin(params));
    address = params.get("bootstrap.servers");
    boolean committed = "read_committed".equals(params.get("isolation.level"));
    isolation = new ListOffsetsOptions(committed ? IsolationLevel.READ_COMMITTED : IsolationLevel.READ_UNCOMMITTED);
  }

  /** One client for a set of parameters, kept as long as the process: a batch asks several times a second. */
  static Offsets of(Map<String, String> params) {
    return OPEN.computeIfAbsent(Map.copyOf(params), Offsets::new);
  }

  /** Partitions and topic ids. Throws UnknownTopicOrPartitionException that names the topic and the broker. */
  Map<String, TopicDescription> describe(Collection<String> topics) {
    return describe(topics, new DescribeTopicsOptions());
  }

  private Map<String, TopicDescription> describe(Collection<String> topics, DescribeTopicsOptions options) {
    Map<String, TopicDescription> found = new TreeMap<>();
    admin.describeTopics(topics, options).topicNameValues().forEach((topic, answer) -> {
      try {
        found.put(topic, get(answer));
      } catch (UnknownTopicOrPartitionException e) {
        throw new UnknownTopicOrPartitionException("topic " + topic + " does not exist on " + address);
      }
    });
    return found;
  }

  static List<TopicPartition> partitions(Map<String, TopicDescription> topics) {
    return topics.values().stream()
        .flatMap(topic -> topic.partitions().stream().map(p -> new TopicPartition(topic.name(), p.partition())))
        .collect(Collectors.toList());
  }

  Map<TopicPartition, Long> begins(Collection<TopicPartition> partitions) {
    return list(partitions, OffsetSpec.earliest());
  }

  /** The ends as the parameters' isolation level sees them. */
  Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
    return list(partitions, OffsetSpec.latest());
  }

  private Map<TopicPartition, Long> list(Collection<TopicPartition> partitions, OffsetSpec spec) {
    Map<TopicPartition, OffsetSpec> asked = partitions.stream().collect(Collectors.toMap(p -> p, p -> spec));
    try {
      return get(admin.listOffsets(asked, isolation).all()).entrySet().stream()
          .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
    } catch (TimeoutException e) { // a deleted topic's offsets are asked for until the time is up, as if the broker were away
      describe(partitions.stream().map(TopicPartition::topic).distinct().toList(), new DescribeTopicsOptions().timeoutMs(5_000));
      throw e;
    }
  }

  /** What a group has acknowledged; a partition without an entry was never acknowledged. */
  Map<TopicPartition, Long> committed(String group) {
    Map<TopicPartition, Long> out = new HashMap<>();
    Map<TopicPartition, OffsetAndMetadata> found = get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    found.forEach((partition, offset) -> out.compute(partition, (p, none) -> offset == null ? null : offset.offset()));
    return out;
  }

  /** For those who asked not to fail where records are gone: they hear of each jump, with the sum of this process. */
  static void warnOfLoss(TopicPartition partition, long from, long to) {
    long lost = Math.max(0, to - from);
    LOG.warn("{} offset {} is not in Kafka any more, going on at {}: {} offsets skipped, {} since this process began", partition,
        from, to, lost, LOST.addAndGet(lost));
  }

  /** Sets the offsets of a group that has no members. */
  void commit(String group, Map<TopicPartition, Long> offsets) {
    get(admin.alterConsumerGroupOffsets(group, offsets.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> new OffsetAndMetadata(entry.getValue())))).all());
  }

  private <T> T get(KafkaFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TimeoutException late) throw new TimeoutException("no answer from " + address + ": " + late.getMessage());
      throw e.getCause() instanceof RuntimeException cause ? cause : new KafkaException(e.getCause());
    } catch (InterruptedException e) {
      throw new org.apache.kafka.common.errors.InterruptException(e);
    }
  }
}
