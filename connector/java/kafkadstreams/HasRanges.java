package kafkadstreams;

import java.util.List;

/** An RDD that knows which records it holds: one list of ranges for each of its partitions, in their order. */
interface HasRanges {
  List<List<Range>> ranges();
}
