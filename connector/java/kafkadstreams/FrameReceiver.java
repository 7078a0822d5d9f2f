package kafkadstreams;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.receiver.Receiver;

/**
 * Receives reliably: what a consumer has polled is stored (which returns when the write-ahead log has it), and only then
 * acknowledged to Kafka. `topics` says how many consumers of the group read each topic.
 */
final class FrameReceiver extends Receiver<byte[]> {
  private static final long serialVersionUID = 1L;
  private static final long JOIN_MS = 20_000;

  private final Map<String, String> params;
  private final Map<String, Integer> topics;
  private final long blockIntervalMs;
  private final long batchIntervalMs;
  private transient List<ReceiverLoop> loops;
  private transient List<Thread> threads;
  private transient AtomicBoolean failed;

  FrameReceiver(
      Map<String, String> params, Map<String, Integer> topics, long blockIntervalMs, long batchIntervalMs, StorageLevel level) {
    super(level);
    this.params = params;
    this.topics = topics;
    this.blockIntervalMs = blockIntervalMs;
    this.batchIntervalMs = batchIntervalMs;
  }

  @Override
  public void onStart() {
    loops = new ArrayList<>();
    threads = new ArrayList<>();
    failed = new AtomicBoolean();
    int consumers = topics.values().stream().mapToInt(Integer::intValue).sum();
    topics.forEach((topic, count) -> {
      for (int i = 0; i < count; i++) {
        ReceiverLoop loop = new ReceiverLoop(this, params, topic, blockIntervalMs, batchIntervalMs, consumers);
        Thread thread = new Thread(() -> run(loop), "kafka-receiver-" + streamId() + "-" + topic + "-" + i);
        loops.add(loop);
        threads.add(thread);
        thread.setDaemon(true);
        thread.start();
      }
    });
  }

  private void run(ReceiverLoop loop) {
    try {
      loop.run();
    } catch (Throwable e) {
      if (loop.stopping() || !failed.compareAndSet(false, true)) return;
      if (e instanceof DataLossException) reportError(e.toString(), e);
      // Once for all threads: every call would start a receiver of its own. Spark runs it on another thread.
      restart("receiver of " + loop + " failed", e);
    }
  }

  /** Each loop stores and acknowledges what it holds before it closes its consumer. */
  @Override
  public void onStop() {
    loops.forEach(ReceiverLoop::stop);
    threads.forEach(FrameReceiver::join);
  }

  /** Waits for a receiver's thread, but not for ever. */
  static void join(Thread thread) {
    try {
      thread.join(JOIN_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
