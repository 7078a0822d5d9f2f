package kafkadstreams;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.rdd.WriteAheadLogBackedBlockRDD;
import org.apache.spark.streaming.scheduler.ReceivedBlockInfo;
import org.apache.spark.streaming.util.WriteAheadLogRecordHandle;
import scala.reflect.ClassTag$;

/**
 * The blocks of one batch, with their ranges. Spark frees a batch's blocks only if its RDD is a BlockRDD, so this is
 * one; without the write-ahead log the handles are null and a block that memory has lost fails its task.
 */
final class BlocksRDD extends WriteAheadLogBackedBlockRDD<byte[]> implements HasRanges {
  private static final long serialVersionUID = 1L;

  private final transient List<List<Range>> ranges;

  BlocksRDD(SparkContext sc, List<ReceivedBlockInfo> blocks) {
    super(sc, blocks.stream().map(ReceivedBlockInfo::blockId).toArray(BlockId[]::new),
        blocks.stream().map(block -> block.walRecordHandleOption().getOrElse(() -> null)).toArray(WriteAheadLogRecordHandle[]::new),
        valid(blocks), false, StorageLevel.MEMORY_ONLY_SER(), ClassTag$.MODULE$.apply(byte[].class));
    ranges = blocks.stream().map(block -> info(block).ranges()).collect(Collectors.toList());
  }

  static BlockInfo info(ReceivedBlockInfo block) {
    return (BlockInfo) block.metadataOption().get();
  }

  private static boolean[] valid(List<ReceivedBlockInfo> blocks) {
    boolean[] out = new boolean[blocks.size()];
    for (int i = 0; i < out.length; i++) out[i] = blocks.get(i).isBlockIdValid();
    return out;
  }

  @Override
  public scala.collection.Iterator<byte[]> compute(Partition split, TaskContext context) {
    return super.compute(split, context).map(Frames::fromStore);
  }

  @Override
  public List<List<Range>> ranges() {
    return ranges;
  }
}
