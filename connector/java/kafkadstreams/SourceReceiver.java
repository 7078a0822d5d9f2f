package kafkadstreams;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.receiver.Receiver;
import org.apache.spark.util.ThreadUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * Asks a source for messages that a process beside this one runs (kafka_dstreams/sources/worker.py), through its stdin and stdout.
 * Each request acknowledges the answers before it, so none is sent before `store` has returned: the write-ahead log has the block.
 */
final class SourceReceiver extends Receiver<byte[]> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(SourceReceiver.class);
  /** A pipe's read has no time limit of its own: this kills the process. */
  private static final ScheduledExecutorService WATCH = ThreadUtils.newDaemonSingleThreadScheduledExecutor("source-receiver-watch");
  /** A block is a partition of its batch: a source whose window is small must not make hundreds of them per second. */
  private static final long SHORTEST_BLOCK_MS = 20;
  private static final int MOST_RECORDS = 1 << 16; // of a block, and as many as AMQP's longest window

  private final PythonSource source;
  private final long blockIntervalMs;
  private final long answerMs;
  private transient Thread thread;
  private transient volatile Process process;
  private transient volatile boolean stopping;
  private transient DataOutputStream requests;
  private transient DataInputStream answers;

  SourceReceiver(PythonSource source, long blockIntervalMs, long answerMs, StorageLevel level) {
    super(level);
    this.source = source;
    this.blockIntervalMs = blockIntervalMs;
    this.answerMs = answerMs;
  }

  @Override
  public Option<String> preferredLocation() {
    return Option.apply(source.spec.get("host"));
  }

  @Override
  public void onStart() {
    stopping = false;
    thread = new Thread(this::run, "source-receiver-" + streamId());
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    try {
      process = source.start();
      try {
        receive();
      } finally {
        process.destroyForcibly().waitFor(); // before another one connects under its name
      }
    } catch (Throwable e) {
      if (stopping || isStopped()) {
        LOG.warn("{} did not stop in order; what it has not acknowledged will come again", source.name, e);
        return;
      }
      if (e instanceof GaveUpException) reportError(e.toString(), e);
      restart("receiver of " + source.name + " failed", e);
    }
  }

  private void receive() throws IOException, InterruptedException {
    requests = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
    answers = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    requests.write(source.hello);
    answer(0, "opened");
    Allowance allowance = new Allowance(this, 1, blockIntervalMs);
    long fits = 1000; // how large the messages are is not known yet
    while (!stopping) {
      long begun = System.nanoTime();
      long limit = Math.min(allowance.now(), fits);
      if (limit > 0) {
        requests.writeInt((int) limit);
        requests.writeInt((int) blockIntervalMs);
        int frames = answer(blockIntervalMs, "answered");
        if (frames > 0) fits = store(frames, allowance);
      }
      Thread.sleep(Math.max(0, (allowance.now() > 0 ? SHORTEST_BLOCK_MS : blockIntervalMs) - (System.nanoTime() - begun) / 1_000_000));
    }
    requests.writeInt(-1); // stop
    answer(0, "closed");
  }

  /** Stores an answer of `count` frames. Returns how many messages of this size fit into a block. */
  private long store(int count, Allowance allowance) throws IOException {
    long records = answers.readInt();
    long bytes = 0;
    List<byte[]> frames = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      byte[] frame = read();
      bytes += frame.length;
      frames.add(Frames.toStore(frame));
    }
    allowance.take(records);
    store(frames.iterator(), new BlockInfo(records, List.of()));
    return Math.max(1, Math.min(MOST_RECORDS, ReceiverLoop.BLOCK_BYTES * records / bytes));
  }

  /** The first number of an answer. Throws what the source says instead, or how its process has ended. */
  private int answer(long waitMs, String verb) throws IOException, InterruptedException {
    Future<?> killer = WATCH.schedule(process::destroyForcibly, waitMs + answerMs, TimeUnit.MILLISECONDS);
    int first;
    try {
      requests.flush();
      first = answers.readInt();
    } catch (IOException e) {
      int code = process.waitFor();
      String text = source.name + " has not " + verb + (killer.isDone() ? " in time" : "") + ": its process ended with code " + code;
      // 1: what Python says of a module that it cannot import, or that fails
      if (code == 1 && verb.equals("opened")) throw new GaveUpException(text + "; the executor's log says why");
      throw new IOException(text, e);
    } finally {
      killer.cancel(false);
    }
    if (first >= 0) return first;
    String text = source.name + " has not " + verb + ": " + new String(read(), StandardCharsets.UTF_8);
    throw first == -2 ? new GaveUpException(text) : new IllegalStateException(text);
  }

  private byte[] read() throws IOException {
    byte[] out = new byte[answers.readInt()];
    answers.readFully(out);
    return out;
  }

  /** What has been asked for is stored and acknowledged first. */
  @Override
  public void onStop() {
    stopping = true;
    FrameReceiver.join(thread);
    if (process != null) process.destroyForcibly();
  }
}
