package kafkadstreams;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

/**
 * A consumer of one partition that is kept between batches. The batch that follows continues where the last one ended,
 * with what has been fetched already. With more partitions than readers the youngest idle one is moved to the partition
 * that is wanted: it has just been used, so its own partition will be wanted last.
 */
final class Reader implements AutoCloseable {
  /** How many consumers an executor keeps. Each holds what it has fetched ahead, up to max.partition.fetch.bytes. */
  static final int MOST = 64;
  /** A partition that is read elsewhere by now leaves its reader idle here. */
  private static final long IDLE_NS = Duration.ofMinutes(5).toNanos();
  private static final Deque<Reader> IDLE = new ArrayDeque<>(); // in the order of their release

  private final Map<String, String> params;
  private final boolean failOnDataLoss;
  private final boolean withHeaders;
  private final PollBudget budget = new PollBudget();
  private final KafkaConsumer<byte[], byte[]> consumer;
  private Iterator<ConsumerRecord<byte[], byte[]>> fetched = Collections.emptyIterator();
  private ConsumerRecord<byte[], byte[]> ahead; // taken from `fetched`, not yet handed out
  private TopicPartition partition;
  private long position; // offset after the last record handed out
  private long releasedAt;

  private Reader(Map<String, String> params) {
    this.params = params;
    failOnDataLoss = Params.failOnDataLoss(params);
    withHeaders = Params.includeHeaders(params);
    consumer = new KafkaConsumer<>(Params.reader(params), budget, budget);
  }

  /** An idle reader of the partition, or another one moved to it; no other task has it until `release`. */
  static Reader take(Map<String, String> params, TopicPartition partition) {
    List<Reader> superfluous = new ArrayList<>();
    Reader taken = null;
    synchronized (IDLE) {
      while (!IDLE.isEmpty() && System.nanoTime() - IDLE.peek().releasedAt > IDLE_NS) superfluous.add(IDLE.poll());
      for (Reader idle : IDLE) if (idle.partition.equals(partition) && idle.params.equals(params)) taken = idle;
      if (taken == null && IDLE.size() >= MOST) taken = IDLE.peekLast();
      IDLE.remove(taken);
    }
    if (taken != null && !taken.params.equals(params)) superfluous.add(taken);
    superfluous.forEach(Reader::close);
    Reader reader = taken == null || superfluous.contains(taken) ? new Reader(params) : taken;
    reader.moveTo(partition);
    return reader;
  }

  private void moveTo(TopicPartition wanted) {
    if (wanted.equals(partition)) return;
    partition = wanted;
    consumer.assign(List.of(wanted));
    position = -1;
  }

  void release() {
    releasedAt = System.nanoTime();
    synchronized (IDLE) {
      IDLE.add(this);
    }
  }

  /** `epoch`: the leader epoch under which the records before `offset` were read, null: unknown. Kafka checks that they are still there. */
  void seek(long offset, Integer epoch) {
    if (position != offset) {
      ahead = null;
      fetched = Collections.emptyIterator();
      consumer.seek(partition, new OffsetAndMetadata(offset, Optional.ofNullable(epoch), ""));
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
    } catch (LogTruncationException e) {
      if (failOnDataLoss) throw DataLossException.of(e);
      Offsets.warnOfTruncation(e);
      consumer.seek(partition, position); // without an epoch: not checked again
      return List.of();
    } catch (OffsetOutOfRangeException e) {
      long begin = consumer.beginningOffsets(List.of(partition)).get(partition);
      if (failOnDataLoss) {
        throw new DataLossException(partition + " offset " + position + " is no longer in Kafka: it begins at " + begin
            + ", retention has overtaken the reader");
      }
      Offsets.warnOfLoss(partition, position, Math.min(begin, until));
      consumer.seek(partition, Math.max(begin, position < begin ? 0 : until)); // created again and shorter: nothing to read here
      return List.of();
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
