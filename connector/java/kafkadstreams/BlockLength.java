package kafkadstreams;

/**
 * How long a block is gathered: about a block interval, so that one ends when a batch is about to. A batch takes the blocks that
 * are stored at its time, a multiple of its interval (Spark's RecurringTimer); a record that is stored later waits for the next.
 */
final class BlockLength {
  /** What storing a block takes. A batch's last block ends this long before it. */
  static final long STORE_MS = 100;

  private BlockLength() {}

  static long ms(long blockIntervalMs, long batchIntervalMs) {
    return ms(System.currentTimeMillis(), blockIntervalMs, batchIntervalMs);
  }

  /** Half a block interval, or up to one and a half. A clock that is set makes one block as odd as that, and no other. */
  static long ms(long nowMs, long blockIntervalMs, long batchIntervalMs) {
    if (batchIntervalMs < blockIntervalMs) return blockIntervalMs;
    long blocks = Math.round((double) batchIntervalMs / blockIntervalMs);
    long sinceBatch = (nowMs + STORE_MS) % batchIntervalMs;
    long next = Math.round((double) sinceBatch * blocks / batchIntervalMs) + 1;
    return next * batchIntervalMs / blocks - sinceBatch;
  }
}
