package kafkadstreams;

import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.spark.Partition;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import scala.Tuple2;
import scala.reflect.ClassTag$;

/** What Spark 2.4 gave to Python: each record a pair of byte arrays. It reads as ours does; only the crossing differs. */
public final class PairsRDD extends RDD<Tuple2<byte[], byte[]>> {
  private static final long serialVersionUID = 1L;

  private final Map<String, String> params;

  private PairsRDD(RDD<byte[]> frames, Map<String, String> params) {
    super(frames, ClassTag$.MODULE$.apply(byte[].class));
    this.params = params;
  }

  /** The ranges of a FrameRDD, as pairs. */
  public static JavaRDD<Tuple2<byte[], byte[]>> of(JavaSparkContext jsc, JavaRDD<byte[]> frames, Map<String, String> params) {
    return new JavaRDD<>(new PairsRDD(frames.rdd(), Map.copyOf(params)), ClassTag$.MODULE$.apply(Tuple2.class));
  }

  @Override
  public Partition[] getPartitions() {
    return firstParent(ClassTag$.MODULE$.apply(byte[].class)).partitions();
  }

  @Override
  public scala.collection.Iterator<Tuple2<byte[], byte[]>> compute(Partition split, TaskContext context) {
    Range range = ((FrameRDD.Part) split).ranges.get(0);
    Reader reader = Reader.take(params, range.topicPartition());
    context.addTaskCompletionListener(task -> {
      reader.release();
    });
    reader.seek(range.from(), range.fromEpoch());
    return Scala.iterator(new Iterator<Tuple2<byte[], byte[]>>() {
      private ConsumerRecord<byte[], byte[]> record = reader.next(range.until(), 60_000);

      @Override
      public boolean hasNext() {
        return record != null;
      }

      @Override
      public Tuple2<byte[], byte[]> next() {
        if (record == null) throw new NoSuchElementException();
        Tuple2<byte[], byte[]> pair = new Tuple2<>(record.key(), record.value());
        record = reader.next(range.until(), 60_000);
        return pair;
      }
    });
  }
}
