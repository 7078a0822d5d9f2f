package kafkadstreams;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.SparkConf;
import org.apache.spark.rdd.RDD;
import org.apache.spark.streaming.StreamingContext;
import org.apache.spark.streaming.Time;
import org.apache.spark.streaming.dstream.InputDStream;
import org.apache.spark.streaming.scheduler.RateController;
import org.apache.spark.streaming.scheduler.rate.RateEstimator;
import scala.Option;
import scala.reflect.ClassTag$;

/**
 * The direct stream: for each batch the driver plans one offset range per partition, from where the last plan ended to the
 * partition's end, or less where the rate allows less. All its state is serializable and travels in the checkpoint.
 */
final class DirectStream extends InputDStream<byte[]> {
  private static final long serialVersionUID = 1L;
  /** Asking for a topic's partitions and id costs a round trip; a batch may come every tenth of a second. */
  private static final long DESCRIBE_EVERY_MS = 5_000;
  /** What an executor's idle readers may have fetched ahead, together. */
  private static final int AHEAD_BYTES = 128 << 20;

  private final List<String> topics;
  private final Map<String, String> params;
  private final Map<TopicPartition, Long> positions;
  /** The leader epochs under which the records before the positions were there. */
  private final Map<TopicPartition, Integer> epochs;
  private final Map<TopicPartition, Long> stopAt; // null: follow the topic for ever
  private final Map<String, String> topicIds = new HashMap<>();
  private final Map<TopicPartition, List<Range>> skip;
  private final boolean discover;
  private final boolean grouped;
  /** What each batch reads. A batch that is run again after recovery must read the same, so this is in the checkpoint. */
  private final TreeMap<Long, List<Range>> planned = new TreeMap<>();
  private final Rate rate;
  private transient long describedAt;
  private transient Map<TopicPartition, KafkaFuture<ListOffsetsResultInfo>> asked;
  private transient Homes homes;

  /** Backpressure for the driver's own planning: the estimate is kept, no receiver has to be told. */
  private static final class Rate extends RateController {
    private static final long serialVersionUID = 1L;

    Rate(int stream, RateEstimator estimator) {
      super(stream, estimator);
    }

    @Override
    public void publish(long limit) {}
  }

  DirectStream(StreamingContext ssc, Map<String, String> params, List<String> topics, Map<TopicPartition, Long> positions,
      Map<TopicPartition, Integer> epochs, Map<TopicPartition, Long> stopAt, List<Range> skip, boolean discover, boolean grouped) {
    super(ssc, ClassTag$.MODULE$.apply(byte[].class));
    this.params = params;
    this.topics = topics;
    this.positions = new LinkedHashMap<>(positions);
    this.epochs = new HashMap<>(epochs);
    this.stopAt = stopAt;
    this.skip = skip.stream().collect(Collectors.groupingBy(Range::topicPartition));
    this.discover = discover;
    this.grouped = grouped;
    this.rate = RateController.isBackPressureEnabled(ssc.conf())
        ? new Rate(id(), RateEstimator.create(ssc.conf(), ssc.graph().batchDuration())) : null;
  }

  /** Asked once, when a context starts; `start` is not called where one is recovered. */
  @Override
  public Option<RateController> rateController() {
    Helper.warnOfIgnoredSettings(ssc());
    return Option.apply(rate);
  }

  @Override
  public void start() {}

  @Override
  public void stop() {}

  @Override
  public Option<RDD<byte[]>> compute(Time time) {
    List<Range> ranges = planned.computeIfAbsent(time.milliseconds(), t -> plan());
    Helper.report(this, time, ranges.stream().mapToLong(Range::count).sum(), ranges);
    Map<String, String> reading = new HashMap<>(params);
    int ahead = Math.max(128 << 10, AHEAD_BYTES / Math.max(Reader.MOST / 2, positions.size()));
    reading.putIfAbsent(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, String.valueOf(ahead));
    if (homes == null) homes = new Homes();
    homes.assign(positions.keySet(), Homes.executors(ssc().sparkContext()));
    return Option.apply(new FrameRDD(ssc().sparkContext(), tasks(ranges), reading, homes));
  }

  /** Grouped: ranges that have records, in about two tasks for each core, those of one task with the same home. */
  private List<List<Range>> tasks(List<Range> ranges) {
    if (!grouped) return ranges.stream().map(List::of).collect(Collectors.toList());
    List<Range> full = ranges.stream().filter(range -> range.count() > 0).collect(Collectors.toList());
    int most = 2 * ssc().sparkContext().defaultParallelism();
    if (full.size() <= most) return full.stream().map(List::of).collect(Collectors.toList());
    Map<String, List<Range>> byHome = full.stream().collect(Collectors.groupingBy(range -> homes.of(range.topicPartition())));
    int each = Math.max(1, most / byHome.size());
    return byHome.values().stream().flatMap(own -> shares(own, Math.min(each, own.size())).stream()).collect(Collectors.toList());
  }

  /** The longest first, each into the task with the fewest records. */
  private static List<List<Range>> shares(List<Range> ranges, int count) {
    List<List<Range>> tasks = Stream.generate(() -> (List<Range>) new ArrayList<Range>()).limit(count).collect(Collectors.toList());
    long[] loads = new long[count];
    ranges.stream().sorted(Comparator.comparingLong(Range::count).reversed()).forEach(range -> {
      int lightest = 0;
      for (int i = 1; i < count; i++) if (loads[i] < loads[lightest]) lightest = i;
      tasks.get(lightest).add(range);
      loads[lightest] += range.count();
    });
    return tasks;
  }

  @Override
  public void clearMetadata(Time time) {
    super.clearMetadata(time);
    planned.headMap(time.minus(rememberDuration()).milliseconds(), true).clear();
  }

  private List<Range> plan() {
    Offsets kafka = Offsets.of(params);
    if (discover && System.currentTimeMillis() >= describedAt + DESCRIBE_EVERY_MS) {
      kafka.begins(unknown(kafka.describe(topics))).forEach(positions::put);
      describedAt = System.currentTimeMillis();
    }
    if (asked == null) asked = new HashMap<>();
    Map<TopicPartition, ListOffsetsResultInfo> found = kafka.ends(positions.keySet(), asked);
    Map<TopicPartition, Long> ends = Offsets.offsets(found);
    if (!Params.failOnDataLoss(params)) goOnBehindLost(kafka.begins(ends.keySet()), ends);
    ends.forEach((partition, end) -> {
      if (end < positions.get(partition)) {
        throw new DataLossException(partition + " ends at offset " + end + ", before " + positions.get(partition)
            + ", which reading had reached: the topic was truncated, or deleted and created again");
      }
    });
    if (stopAt != null) ends.replaceAll((partition, end) -> Math.min(end, stopAt.getOrDefault(partition, 0L)));
    return ranges(ends, found);
  }

  private void goOnBehindLost(Map<TopicPartition, Long> begins, Map<TopicPartition, Long> ends) {
    begins.forEach((partition, begin) -> {
      long position = positions.get(partition);
      if (begin <= position && position <= ends.get(partition)) return;
      Offsets.warnOfLoss(partition, position, begin);
      positions.put(partition, begin);
      epochs.remove(partition);
    });
  }

  /** Partitions that have been added since; a new topic under the old one's name is no place to continue. */
  private List<TopicPartition> unknown(Map<String, TopicDescription> found) {
    found.forEach((name, topic) -> {
      String known = topicIds.putIfAbsent(name, topic.topicId().toString());
      if (known != null && !known.equals(topic.topicId().toString())) {
        throw new DataLossException("topic " + name + " was deleted and created again: its id was " + known + " and is now " + topic.topicId());
      }
    });
    List<TopicPartition> partitions = new ArrayList<>(Offsets.partitions(found));
    partitions.removeAll(positions.keySet());
    return partitions;
  }

  /**
   * With backpressure a batch stays empty while one waits behind the one that runs: it would be planned by a rate that is out of
   * date, and Spark's estimate falls to its minimum when batches have to wait. Where all of them are empty they hold up nothing.
   */
  private List<Range> ranges(Map<TopicPartition, Long> ends, Map<TopicPartition, ListOffsetsResultInfo> found) {
    List<Time> pending = Scala.list(ssc().scheduler().getPendingTimes());
    boolean crowded = rate != null && pending.size() > 1 && pending.stream()
        .anyMatch(time -> planned.getOrDefault(time.milliseconds(), List.of()).stream().anyMatch(range -> range.count() > 0));
    Map<TopicPartition, Long> lags = new LinkedHashMap<>();
    positions.forEach((partition, position) -> lags.put(partition, crowded ? 0 : Math.max(0, ends.getOrDefault(partition, 0L) - position)));
    Map<TopicPartition, Long> limits = limits(lags);
    List<Range> out = new ArrayList<>();
    lags.forEach((partition, lag) -> {
      long from = positions.get(partition);
      long until = beforeSkipped(partition, from, from + Math.min(lag, limits.getOrDefault(partition, Long.MAX_VALUE)));
      Integer before = epochs.get(partition);
      if (until > from) found.get(partition).leaderEpoch().ifPresent(epoch -> epochs.put(partition, epoch));
      out.add(new Range(partition.topic(), partition.partition(), from, until, before, epochs.get(partition)));
      positions.put(partition, afterSkipped(partition, until));
    });
    return out;
  }

  /** A range ends where records begin that must not be read again; the next batch continues behind them. */
  private long beforeSkipped(TopicPartition partition, long from, long until) {
    long end = until;
    for (Range done : skip.getOrDefault(partition, List.of())) if (done.from() >= from) end = Math.min(end, done.from());
    return end;
  }

  private long afterSkipped(TopicPartition partition, long position) {
    for (Range done : skip.getOrDefault(partition, List.of())) {
      if (done.from() <= position && position < done.until()) return done.until();
    }
    return position;
  }

  /** Records a partition may give to this batch; no entry means all. Spark's formula for its direct Kafka stream. */
  private Map<TopicPartition, Long> limits(Map<TopicPartition, Long> lags) {
    SparkConf conf = ssc().conf();
    long perPartition = conf.getLong("spark.streaming.kafka.maxRatePerPartition", 0);
    long atLeast = conf.getLong("spark.streaming.kafka.minRatePerPartition", 1);
    long estimated = rate == null ? 0 : rate.getLatestRate();
    if (rate != null && estimated <= 0) estimated = conf.getLong("spark.streaming.backpressure.initialRate", 0);
    double seconds = ssc().graph().batchDuration().milliseconds() / 1000.0;
    double total = Math.max(1, lags.values().stream().mapToLong(Long::longValue).sum());
    Map<TopicPartition, Long> out = new LinkedHashMap<>();
    for (Map.Entry<TopicPartition, Long> lag : lags.entrySet()) {
      double share = estimated > 0 ? lag.getValue() / total * estimated : perPartition;
      if (perPartition > 0) share = Math.min(share, perPartition);
      if (estimated > 0 || perPartition > 0) out.put(lag.getKey(), Math.max((long) (seconds * share), atLeast));
    }
    return out;
  }
}
