package kafkadstreams;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import scala.reflect.ClassTag$;

/** Reads offset ranges, one task per range, as frames of records. */
final class FrameRDD extends RDD<byte[]> implements HasRanges {
  private static final long serialVersionUID = 1L;

  private final transient List<List<Range>> tasks;
  private final transient Homes homes; // null: any free executor reads
  private final Map<String, String> params;
  private final long pollTimeoutMs;

  static final class Part implements Partition {
    private static final long serialVersionUID = 1L;

    private final int index;
    final List<Range> ranges;

    Part(int index, List<Range> ranges) {
      this.index = index;
      this.ranges = ranges;
    }

    @Override
    public int index() {
      return index;
    }
  }

  FrameRDD(SparkContext sc, List<List<Range>> tasks, Map<String, String> params) {
    this(sc, tasks, params, null);
  }

  /** One partition, and so one task, for each of the lists; it prefers the home of its first range. */
  FrameRDD(SparkContext sc, List<List<Range>> tasks, Map<String, String> params, Homes homes) {
    super(sc, Scala.none(), ClassTag$.MODULE$.apply(byte[].class));
    this.tasks = tasks;
    this.params = params;
    this.homes = homes;
    this.pollTimeoutMs = sc.getConf().getTimeAsMs("spark.streaming.kafka.consumer.poll.ms", "60s");
  }

  @Override
  public List<List<Range>> ranges() {
    return tasks;
  }

  @Override
  public Partition[] getPartitions() {
    Partition[] out = new Partition[tasks.size()];
    Arrays.setAll(out, i -> new Part(i, tasks.get(i)));
    return out;
  }

  @Override
  public scala.collection.immutable.List<String> getPreferredLocations(Partition split) {
    List<Range> ranges = tasks == null ? List.of() : tasks.get(split.index());
    String home = homes == null || ranges.isEmpty() ? "" : homes.of(ranges.get(0).topicPartition());
    return home.isEmpty() ? Scala.none() : Scala.one(home);
  }

  @Override
  public scala.collection.Iterator<byte[]> compute(Partition split, TaskContext context) {
    scala.collection.Iterator<Range> ranges = Scala.iterator(((Part) split).ranges.iterator());
    return ranges.flatMap(range -> Scala.iterator(new FrameIterator(range, context)));
  }

  private final class FrameIterator implements Iterator<byte[]> {
    private final Range range;
    private final Reader reader;
    private byte[] frame;
    private boolean done;

    FrameIterator(Range range, TaskContext context) {
      this.range = range;
      if (range.count() == 0) {
        reader = null;
        done = true;
        return;
      }
      reader = Reader.take(params, range.topicPartition());
      context.addTaskCompletionListener(task -> {
        if (!done) reader.close();
      });
      reader.seek(range.from(), range.fromEpoch());
    }

    @Override
    public boolean hasNext() {
      if (frame == null && !done) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long bytes = 0;
        while (bytes < Frames.TARGET_BYTES && !done) {
          ConsumerRecord<byte[], byte[]> record = reader.next(range.until(), pollTimeoutMs);
          if (record == null) {
            done = true;
            reader.release(); // the task's next range may be read with it
          } else {
            records.add(record);
            bytes += Frames.sizeOf(record);
          }
        }
        if (!records.isEmpty()) frame = Frames.pack(records, Params.includeHeaders(params));
      }
      return frame != null;
    }

    @Override
    public byte[] next() {
      if (!hasNext()) throw new NoSuchElementException();
      byte[] out = frame;
      frame = null;
      return out;
    }
  }
}
