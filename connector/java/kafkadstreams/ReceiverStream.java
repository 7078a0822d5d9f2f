package kafkadstreams;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.spark.rdd.RDD;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.StreamingContext;
import org.apache.spark.streaming.Time;
import org.apache.spark.streaming.dstream.ReceiverInputDStream;
import org.apache.spark.streaming.receiver.Receiver;
import org.apache.spark.streaming.scheduler.JobScheduler;
import org.apache.spark.streaming.scheduler.ReceivedBlockInfo;
import org.apache.spark.streaming.scheduler.StreamingListener;
import org.apache.spark.streaming.scheduler.StreamingListenerReceiverError;
import org.apache.spark.streaming.util.WriteAheadLogUtils;
import scala.Option;
import scala.reflect.ClassTag$;

/** The receiver's blocks as a stream of frames. `compute` is Spark's own, but counts records where that counts frames. */
final class ReceiverStream extends ReceiverInputDStream<byte[]> {
  private static final long serialVersionUID = 1L;
  /**
   * A receiver that cannot reach its driver waits in `store` and still sends Kafka heartbeats. For this long it keeps its partitions;
   * Kafka says five minutes.
   */
  private static final String LOST_AFTER_MS = "75000";

  private final Map<String, String> params;
  private final Map<String, Integer> topics;
  private final StorageLevel level;
  /** What is received from where it is not Kafka: then there are no params and no topics. */
  private final PythonSource source;

  ReceiverStream(StreamingContext ssc, Map<String, String> params, Map<String, Integer> topics, PythonSource source, StorageLevel level) {
    super(ssc, ClassTag$.MODULE$.apply(byte[].class));
    this.params = params;
    this.topics = topics;
    this.level = level;
    this.source = source;
  }

  void group(String group) {
    params.put(ConsumerConfig.GROUP_ID_CONFIG, group);
  }

  /**
   * Asked once, when a context starts; `start` is not called where one is recovered. A receiver is started again whatever it
   * died of: where continuing would skip records, or a source gives up, the driver has to end the stream.
   */
  @Override
  public Receiver<byte[]> getReceiver() {
    Helper.warnOfIgnoredSettings(ssc());
    JobScheduler scheduler = ssc().scheduler();
    ssc().addStreamingListener(new StreamingListener() {
      @Override
      public void onReceiverError(StreamingListenerReceiverError event) {
        String message = event.receiverInfo().lastErrorMessage();
        String text = message.replaceFirst("^[^:]*: ", "");
        if (message.startsWith(DataLossException.class.getName() + ": ")) scheduler.reportError(message, new DataLossException(text));
        if (message.startsWith(GaveUpException.class.getName() + ": ")) scheduler.reportError(message, new GaveUpException(text));
      }
    });
    long blockIntervalMs = ssc().conf().getTimeAsMs("spark.streaming.blockInterval", "200ms");
    if (source != null) return new SourceReceiver(source, blockIntervalMs, ssc().conf().getTimeAsMs("spark.streaming.source.answerTimeout", "60s"), level);
    Map<String, String> reading = new HashMap<>(params);
    if (!ssc().sparkContext().isLocal()) reading.putIfAbsent(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, LOST_AFTER_MS);
    return new FrameReceiver(reading, topics, blockIntervalMs, slideDuration().milliseconds(), level);
  }

  /** Without this check Spark starts the receiver again for ever, and the driver never hears why it fails. */
  @Override
  public void validateAtStart() {
    super.validateAtStart();
    if (WriteAheadLogUtils.enableReceiverLog(ssc().conf()) && ssc().checkpointDir() == null) {
      throw new IllegalStateException("spark.streaming.receiver.writeAheadLog.enable is true, but the log has no directory: "
          + "call ssc.checkpoint(directory) before ssc.start()");
    }
    String master = ssc().sparkContext().master();
    int cores = Cluster.cores(ssc().sparkContext());
    int receivers = graph().getReceiverInputStreams().length;
    if (cores <= receivers) {
      String more = ssc().sparkContext().isLocal() ? "--master local[" + (receivers + 1) + "]"
          : "--conf spark.cores.max=" + (receivers + 1) + ", or executors with " + (receivers + 1) + " cores in all,";
      throw new IllegalStateException("no batch would ever run: each of the " + receivers + " receivers keeps one core of "
          + master + " for itself; use " + more + " or more");
    }
  }

  @Override
  public Option<RDD<byte[]>> compute(Time time) {
    List<ReceivedBlockInfo> blocks = List.of();
    if (time.greaterEq(graph().startTime())) { // earlier ones are asked for after a recovery only
      blocks = Scala.list(ssc().scheduler().receiverTracker().getBlocksOfBatchAndStream(time, id()));
      long records = blocks.stream().mapToLong(block -> BlocksRDD.info(block).records()).sum();
      Helper.report(this, time, records, blocks.stream().flatMap(block -> BlocksRDD.info(block).ranges().stream()).collect(Collectors.toList()));
    }
    return Option.apply(new BlocksRDD(ssc().sparkContext(), blocks));
  }
}
