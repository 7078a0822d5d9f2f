package kafkadstreams;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the driver asks Kafka: which partitions there are, where they begin and end, and what a group has committed. */
final class Offsets {
  private static final Logger LOG = LoggerFactory.getLogger(Offsets.class);
  /** How long a batch waits for the ends of its partitions. A partition whose leader is away longer gives nothing to it. */
  private static final long PATIENCE_MS = 3_000;
  private static final Set<String> WITHOUT_ID = ConcurrentHashMap.newKeySet();
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

  /** One client for a set of parameters, kept as long as the process: a batch asks several times per second. */
  static Offsets of(Map<String, String> params) {
    return OPEN.computeIfAbsent(Map.copyOf(params), Offsets::new);
  }

  /** For parameters that are asked with once. */
  static void close(Map<String, String> params) {
    Offsets open = OPEN.remove(params);
    if (open != null) open.admin.close(Duration.ZERO);
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
        if (found.get(topic).topicId().equals(Uuid.ZERO_UUID) && WITHOUT_ID.add(topic)) {
          LOG.warn("{} gives topic {} no id: nothing shows when it is deleted and created again; use a new output then", address, topic);
        }
      } catch (UnknownTopicOrPartitionException e) {
        throw new UnknownTopicOrPartitionException("topic " + topic + " does not exist on " + address);
      } catch (TopicAuthorizationException e) {
        throw new TopicAuthorizationException("this user may not READ topic " + topic, Set.of(topic));
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
    return offsets(answered(list(partitions, OffsetSpec.earliest())));
  }

  /** The ends as the parameters' isolation level sees them. */
  Map<TopicPartition, Long> ends(Collection<TopicPartition> partitions) {
    return offsets(answered(list(partitions, OffsetSpec.latest())));
  }

  static Map<TopicPartition, Long> offsets(Map<TopicPartition, ListOffsetsResultInfo> found) {
    return found.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
  }

  /**
   * The ends of those partitions that answer soon, with their leader epochs. Kafka's client asks on for the others, which stay in
   * `asked` for the next call; when it gives up on one (default.api.timeout.ms), this throws its TimeoutException.
   */
  Map<TopicPartition, ListOffsetsResultInfo> ends(Collection<TopicPartition> partitions,
      Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> asked) {
    List<TopicPartition> others = partitions.stream().filter(partition -> !asked.containsKey(partition)).collect(Collectors.toList());
    Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> answers = list(others, OffsetSpec.latest());
    asked.putAll(answers);
    try {
      KafkaFuture.allOf(answers.values().toArray(KafkaFuture[]::new)).get(PATIENCE_MS, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | java.util.concurrent.TimeoutException e) { // which partition it was is found below
      others.stream().filter(partition -> !asked.get(partition).isDone()).forEach(partition -> LOG.warn("{} does not say where it ends, "
          + "it may have no leader: the others continue, its records wait; if that lasts the stream fails", partition));
    } catch (InterruptedException e) {
      throw new org.apache.kafka.common.errors.InterruptException(e);
    }
    Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> done = new HashMap<>(asked);
    done.values().removeIf(answer -> !answer.isDone());
    asked.keySet().removeAll(done.keySet());
    return answered(done);
  }

  private Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> list(Collection<TopicPartition> partitions, OffsetSpec spec) {
    ListOffsetsResult answers = admin.listOffsets(partitions.stream().collect(Collectors.toMap(p -> p, p -> spec)), isolation);
    return partitions.stream().collect(Collectors.toMap(partition -> partition, answers::partitionResult));
  }

  private Map<TopicPartition, ListOffsetsResultInfo> answered(Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> answers) {
    try {
      return answers.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> get(entry.getValue())));
    } catch (TimeoutException e) { // a deleted topic's offsets are asked for until the time is up, as if the broker were away
      describe(answers.keySet().stream().map(TopicPartition::topic).distinct().collect(Collectors.toList()), new DescribeTopicsOptions().timeoutMs(5_000));
      throw e;
    }
  }

  /** What a group has acknowledged; a partition without an entry was never acknowledged. */
  Map<TopicPartition, OffsetAndMetadata> committed(String group) {
    Map<TopicPartition, OffsetAndMetadata> found = get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    found.values().removeIf(offset -> offset == null);
    return found;
  }

  /** Without failOnDataLoss each jump over deleted records is warned of, with the sum of this process. */
  static void warnOfLoss(TopicPartition partition, long from, long to) {
    long lost = Math.max(0, to - from);
    LOG.warn("{} offset {} is no longer in Kafka, continuing at {}: {} offsets skipped, {} since this process began", partition,
        from, to, lost, LOST.addAndGet(lost));
  }

  static void warnOfTruncation(LogTruncationException cut) {
    LOG.warn("{}; continuing, other records may be missing", DataLossException.of(cut).getMessage());
  }

  /** Sets the offsets of a group that has no members, with the leader epochs of what is before them where they are known. */
  void commit(String group, Map<TopicPartition, Long> offsets, Map<TopicPartition, Integer> epochs) {
    try {
      get(admin.alterConsumerGroupOffsets(group, offsets.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey,
          entry -> new OffsetAndMetadata(entry.getValue(), Optional.ofNullable(epochs.get(entry.getKey())), "")))).all());
    } catch (GroupAuthorizationException e) {
      throw new GroupAuthorizationException("this user may not READ group " + group, group);
    }
  }

  private <T> T get(KafkaFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof TimeoutException) throw new TimeoutException("no answer from " + address + ": " + cause.getMessage());
      throw cause instanceof RuntimeException ? (RuntimeException) cause : new KafkaException(cause);
    } catch (InterruptedException e) {
      throw new org.apache.kafka.common.errors.InterruptException(e);
    }
  }
}
