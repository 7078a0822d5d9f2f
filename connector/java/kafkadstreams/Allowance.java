package kafkadstreams;

import org.apache.spark.streaming.receiver.Receiver;

/** How many records spark.streaming.receiver.maxRate and backpressure allow now: a token bucket of one block interval. */
final class Allowance {
  private final Receiver<?> receiver;
  private final int consumers;
  private final long blockIntervalMs;
  private double tokens;
  private long at = System.nanoTime();

  /** consumers: how many share the receiver's rate. */
  Allowance(Receiver<?> receiver, int consumers, long blockIntervalMs) {
    this.receiver = receiver;
    this.consumers = consumers;
    this.blockIntervalMs = blockIntervalMs;
  }

  /** Long.MAX_VALUE where there is no limit. */
  long now() {
    long limit = receiver.supervisor().getCurrentRateLimit();
    if (limit == Long.MAX_VALUE) return Long.MAX_VALUE;
    double rate = (double) limit / consumers;
    long now = System.nanoTime();
    tokens = Math.min(Math.max(1, rate * blockIntervalMs / 1000), tokens + rate * (now - at) / 1e9);
    at = now;
    return (long) tokens;
  }

  void take(long records) {
    tokens -= records;
  }
}
