package kafkadstreams;

import java.io.Serializable;
import java.util.List;

/**
 * What a receiver says of a block it stores. Spark recognises blocks by equality when it recovers its log, so this is
 * made of values only (with an array in it, blocks that had been processed would be processed again).
 */
record BlockInfo(long records, List<Range> ranges) implements Serializable {}
