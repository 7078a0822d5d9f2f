package kafkadstreams;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread that owns one consumer: poll, gather for about a block interval, store, acknowledge, again. */
final class ReceiverLoop implements ConsumerRebalanceListener {
  private static final Logger LOG = LoggerFactory.getLogger(ReceiverLoop.class);
  /** A block is one write to the log and one task: large enough to be worth both, small beside a worker's memory. */
  static final int BLOCK_BYTES = 32 << 20;

  private final FrameReceiver receiver;
  private final String topic;
  private final long blockIntervalMs;
  private final long batchIntervalMs;
  private final Allowance allowance;
  private final PollBudget budget = new PollBudget();
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, String> params;
  /** Polled, but above the rate limit: waits for its turn, and nothing is polled meanwhile. */
  private final Deque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
  /** The block being gathered, by partition. */
  private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> gathered = new LinkedHashMap<>();
  /** First offset of each owned partition that has not been stored. */
  private final Map<TopicPartition, Long> unstored = new HashMap<>();
  /** The offset that polling has reached, with the leader epoch of what is before it. */
  private final Map<TopicPartition, OffsetAndMetadata> polled = new HashMap<>();
  private long gatheredBytes;
  private volatile boolean stopping;

  ReceiverLoop(
      FrameReceiver receiver, Map<String, String> params, String topic, long blockIntervalMs, long batchIntervalMs, int consumers) {
    this.receiver = receiver;
    this.topic = topic;
    this.blockIntervalMs = blockIntervalMs;
    this.batchIntervalMs = batchIntervalMs;
    allowance = new Allowance(receiver, consumers, blockIntervalMs);
    consumer = new KafkaConsumer<>(Params.receiver(params), budget, budget);
    this.params = params;
  }

  boolean stopping() {
    return stopping || receiver.isStopped();
  }

  void stop() {
    stopping = true;
    consumer.wakeup();
  }

  void run() {
    try (consumer) {
      consumer.subscribe(List.of(topic), this);
      while (!stopping()) {
        try {
          gather();
        } catch (WakeupException e) {
          continue; // stop() was called: store what has come
        } catch (OffsetOutOfRangeException e) {
          if (Params.failOnDataLoss(params)) throw DataLossException.of(e);
          goOnBehind(e);
        }
        storeAndAcknowledge();
      }
      storeAndAcknowledge();
    }
  }

  private void gather() {
    long begun = System.nanoTime();
    long length = BlockLength.ms(blockIntervalMs, batchIntervalMs);
    for (long left = length; left > 0 && gatheredBytes < BLOCK_BYTES && !stopping();
        left = length - (System.nanoTime() - begun) / 1_000_000) {
      if (waiting.isEmpty()) {
        consumer.resume(consumer.paused());
      } else {
        consumer.pause(consumer.assignment()); // the group needs further polls, but nothing more may come
      }
      budget.renew();
      ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(Math.min(left, waiting.isEmpty() ? left : 10)));
      polled.putAll(records.nextOffsets());
      waiting.addAll(Frames.kept(records, Params.includeHeaders(params)));
      for (long allowed = allowance.now(); allowed > 0 && !waiting.isEmpty(); allowed--) take(waiting.poll());
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    gathered.computeIfAbsent(new TopicPartition(record.topic(), record.partition()), p -> new ArrayList<>()).add(record);
    gatheredBytes += Frames.sizeOf(record);
    allowance.take(1);
  }

  /** `store` returns when the block is in the write-ahead log; from then on Kafka need not keep it for us. */
  private void storeAndAcknowledge() {
    List<Range> ranges = new ArrayList<>();
    Map<TopicPartition, OffsetAndMetadata> acknowledged = new HashMap<>();
    unstored.forEach((partition, from) -> {
      OffsetAndMetadata end = endOf(partition);
      if (end != null && end.offset() > from) {
        ranges.add(new Range(partition.topic(), partition.partition(), from, end.offset(), null, end.leaderEpoch().orElse(null)));
        acknowledged.put(partition, end);
      }
    });
    if (ranges.isEmpty()) return;
    receiver.store(frames().iterator(), new BlockInfo(gathered.values().stream().mapToLong(List::size).sum(), ranges));
    ranges.forEach(range -> unstored.put(range.topicPartition(), range.until()));
    gathered.clear();
    gatheredBytes = 0;
    acknowledge(acknowledged);
  }

  private void acknowledge(Map<TopicPartition, OffsetAndMetadata> offsets) {
    try {
      consumer.commitSync(offsets);
    } catch (WakeupException e) {
      consumer.commitSync(offsets);
    } catch (CommitFailedException | RebalanceInProgressException e) {
      LOG.warn("stored up to {} but could not acknowledge it, the records will come again: {}", offsets, e.getMessage());
    }
  }

  /** Behind the last record that was taken; with none waiting, behind compaction's and transactions' gaps too. Null: nothing has come. */
  private OffsetAndMetadata endOf(TopicPartition partition) {
    for (ConsumerRecord<byte[], byte[]> record : waiting) {
      if (record.partition() == partition.partition()) return new OffsetAndMetadata(record.offset(), record.leaderEpoch(), "");
    }
    return polled.get(partition);
  }

  private void goOnBehind(OffsetOutOfRangeException refusal) {
    storeAndAcknowledge();
    refusal.offsetOutOfRangePartitions().forEach((partition, offset) -> {
      if (refusal instanceof LogTruncationException) {
        Offsets.warnOfTruncation((LogTruncationException) refusal);
        consumer.seek(partition, offset); // without an epoch: not checked again
        return;
      }
      consumer.seekToBeginning(List.of(partition));
      polled.remove(partition);
      unstored.put(partition, consumer.position(partition));
      Offsets.warnOfLoss(partition, offset, unstored.get(partition));
    });
  }

  private List<byte[]> frames() {
    List<byte[]> frames = new ArrayList<>();
    for (List<ConsumerRecord<byte[], byte[]>> records : gathered.values()) {
      int first = 0;
      long bytes = 0;
      for (int i = 0; i < records.size(); i++) {
        bytes += Frames.sizeOf(records.get(i));
        if (bytes >= Frames.TARGET_BYTES || i == records.size() - 1) {
          frames.add(Frames.toStore(Frames.pack(records.subList(first, i + 1), Params.includeHeaders(params))));
          first = i + 1;
          bytes = 0;
        }
      }
    }
    return frames;
  }

  /** Where nothing is acknowledged each start would begin at the partition's end, or beginning: so where we begin is acknowledged now. */
  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    List<TopicPartition> fresh = new ArrayList<>(partitions);
    consumer.committed(new HashSet<>(partitions)).forEach((partition, offset) -> {
      if (offset == null) return;
      fresh.remove(partition);
      unstored.put(partition, offset.offset());
    });
    if (!fresh.isEmpty()) { // to Kafka an empty list means all partitions
      if ("latest".equals(params.get(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG))) consumer.seekToEnd(fresh);
      else consumer.seekToBeginning(fresh);
      for (TopicPartition partition : fresh) unstored.put(partition, consumer.position(partition));
      acknowledge(fresh.stream().collect(Collectors.toMap(p -> p, p -> new OffsetAndMetadata(unstored.get(p)))));
    }
  }

  /** Runs inside poll, while the partitions are still ours. */
  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    if (!gathered.isEmpty()) storeAndAcknowledge(); // before `waiting` shrinks: it says how far the block reaches
    forget(partitions);
  }

  /** Another consumer has them already and reads from what was acknowledged. */
  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    gathered.keySet().removeAll(partitions);
    forget(partitions);
  }

  private void forget(Collection<TopicPartition> partitions) {
    waiting.removeIf(record -> partitions.contains(new TopicPartition(record.topic(), record.partition())));
    unstored.keySet().removeAll(partitions);
    polled.keySet().removeAll(partitions);
  }

  @Override
  public String toString() {
    return topic;
  }
}
