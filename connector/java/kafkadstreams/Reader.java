package kafkadstreams;

import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

/**
 * A consumer of one partition that is kept between batches. The batch that follows goes on where the last one ended,
 * out of what has been fetched already.
 */
final class Reader implements AutoCloseable {
  private static final Map<Object, Reader> IDLE = new ConcurrentHashMap<>();

  private final Object key;
  private final TopicPartition partition;
  private final boolean failOnDataLoss;
  private final boolean withHeaders;
  private final PollBudget budget = new PollBudget();
  private final KafkaConsumer<byte[], byte[]> consumer;
  private Iterator<ConsumerRecord<byte[], byte[]>> fetched = Collections.emptyIterator();
  private ConsumerRecord<byte[], byte[]> ahead; // taken from `fetched`, not yet handed out
  private long position = -1; // offset after the last record handed out

  private Reader(Object key, Map<String, String> params, TopicPartition partition) {
    this.key = key;
    this.partition = partition;
    failOnDataLoss = Params.failOnDataLoss(params);
    withHeaders = Params.includeHeaders(params);
    consumer = new KafkaConsumer<>(Params.reader(params), budget, budget);
    consumer.assign(List.of(partition));
  }

  /** An idle reader of the partition, or a new one; nobody else has it until `release`. */
  static Reader take(Map<String, String> params, TopicPartition partition) {
    Object key = List.of(params, partition);
    Reader idle = IDLE.remove(key);
    return idle != null ? idle : new Reader(key, params, partition);
  }

  void release() {
    if (IDLE.putIfAbsent(key, this) != null) close();
  }

  void seek(long offset) {
    if (position != offset) {
      ahead = null;
      fetched = Collections.emptyIterator();
      consumer.seek(partition, offset);
      position = offset;
    }
  }

  /**
   * The next record below `until`, or null at the range's end. Compaction and transaction markers leave gaps, so the
   * end is where the consumer's position says, not where a record with the last offset is.
   */
  ConsumerRecord<byte[], byte[]> next(long until, long timeoutMs) {
    long begun = System.nanoTime();
    while (ahead == null) {
      if (fetched.hasNext()) {
        ahead = fetched.next();
      } else if (consumer.position(partition) >= until) {
        position = consumer.position(partition);
        return null;
      } else if (System.nanoTime() - begun > timeoutMs * 1_000_000) {
        throw new TimeoutException("nothing came from " + partition + " at offset " + position + " (up to " + until
            + ") within " + timeoutMs + " ms");
      } else {
        fetched = poll(until).iterator();
      }
    }
    if (ahead.offset() >= until) {
      position = until;
      return null;
    }
    ConsumerRecord<byte[], byte[]> record = ahead;
    ahead = null;
    position = record.offset() + 1;
    return record;
  }

  private List<ConsumerRecord<byte[], byte[]>> poll(long until) {
    try {
      budget.renew();
      return Frames.kept(consumer.poll(Duration.ofMillis(200)), withHeaders);
    } catch (OffsetOutOfRangeException e) {
      long begin = consumer.beginningOffsets(List.of(partition)).get(partition);
      if (failOnDataLoss) {
        throw new DataLossException(partition + " offset " + position + " is not in Kafka any more: it begins at " + begin
            + ", retention has overtaken the reader");
      }
      Offsets.warnOfLoss(partition, position, Math.min(begin, until));
      consumer.seek(partition, Math.max(begin, position < begin ? 0 : until)); // made anew and shorter: nothing to read here
      return List.of();
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
