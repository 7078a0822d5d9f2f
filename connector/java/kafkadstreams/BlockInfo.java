package kafkadstreams;

import java.io.Serializable;
import java.util.List;

/**
 * What a receiver says of a block it stores. Spark recognises blocks by equality when it recovers its log, so this is
 * made of values only (with an array in it, blocks that had been processed would be processed again).
 */
final class BlockInfo implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long records;
  private final List<Range> ranges;

  BlockInfo(long records, List<Range> ranges) {
    this.records = records;
    this.ranges = ranges;
  }

  long records() {
    return records;
  }

  List<Range> ranges() {
    return ranges;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BlockInfo && records == ((BlockInfo) other).records && ranges.equals(((BlockInfo) other).ranges);
  }

  @Override
  public int hashCode() {
    return ranges.hashCode();
  }
}
