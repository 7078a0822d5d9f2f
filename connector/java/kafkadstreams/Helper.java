package kafkadstreams;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.Dependency;
import org.apache.spark.OneToOneDependency;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.rdd.UnionRDD;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.StreamingContext;
import org.apache.spark.streaming.Time;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.streaming.dstream.InputDStream;
import org.apache.spark.streaming.scheduler.StreamInputInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.reflect.ClassTag$;

/**
 * The door for Python. Arguments and answers are JSON text: py4j turns a small Python integer into an Integer and a large
 * one into a Long, and every nested value would cost a call.
 */
public final class Helper {
  private static final Logger LOG = LoggerFactory.getLogger(Helper.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int SHOWN = 20; // ranges on a batch's page

  private Helper() {}

  /**
   * A direct stream of frames. spec: {"params": {…}, "topics": […], "start": "earliest" | "latest" | "committed" | [[topic,
   * partition, offset], …], "start_epochs": [[topic, partition, leader epoch of what is before `start`], …], "stop_at": [[topic,
   * partition, offset], …] or null, "skip": [[topic, partition, from, until], …], "discover": partitions that `start` does not name
   * are read from their beginning, later ones too, "grouped": few tasks that read several partitions each}.
   */
  public static JavaDStream<byte[]> directStream(JavaStreamingContext jssc, String spec) {
    JsonNode json = parse(spec);
    Map<String, String> params = params(json.get("params"));
    List<String> topics = new ArrayList<>();
    json.get("topics").forEach(topic -> topics.add(topic.asText()));
    JsonNode start = json.get("start");
    Offsets kafka = Offsets.of(params);
    List<TopicPartition> partitions = Offsets.partitions(kafka.describe(topics));
    Map<TopicPartition, Long> positions = new LinkedHashMap<>();
    if (start.isArray()) positions.putAll(offsets(start));
    else positions.putAll(start.asText().equals("latest") ? kafka.ends(partitions) : kafka.begins(partitions));
    Map<TopicPartition, Integer> epochs = epochs(json.get("start_epochs"));
    if (start.asText().equals("committed")) {
      kafka.committed(params.get("group.id")).forEach((partition, offset) -> {
        positions.replace(partition, offset.offset());
        offset.leaderEpoch().ifPresent(epoch -> epochs.put(partition, epoch));
      });
    }
    Map<TopicPartition, Long> stopAt = json.hasNonNull("stop_at") ? offsets(json.get("stop_at")) : null;
    return wrap(new DirectStream(jssc.ssc(), params, topics, positions, epochs, stopAt, ranges(json.get("skip")),
        json.get("discover").asBoolean(), json.get("grouped").asBoolean()));
  }

  /** A receiver's stream of frames. spec: {"params": {…}, "topics": {topic: consumers}}. */
  public static JavaDStream<byte[]> receiverStream(JavaStreamingContext jssc, String spec, StorageLevel level) {
    JsonNode json = parse(spec);
    Map<String, Integer> topics = new TreeMap<>();
    json.get("topics").fields().forEachRemaining(topic -> topics.put(topic.getKey(), topic.getValue().asInt()));
    return wrap(new ReceiverStream(jssc.ssc(), params(json.get("params")), topics, null, level));
  }

  /** A stream of what a source written in Python brings. spec, environment: as `PythonSource` has them; hello: the first bytes for it. */
  public static JavaDStream<byte[]> sourceStream(JavaStreamingContext jssc, String spec, String environment, byte[] hello, StorageLevel level) {
    return wrap(new ReceiverStream(jssc.ssc(), new HashMap<>(), Map.of(),
        new PythonSource(params(parse(spec)), params(parse(environment)), hello), level));
  }

  /** An RDD of frames, one partition per range. ranges: [[topic, partition, from, until], …], which the caller has checked. */
  public static JavaRDD<byte[]> rdd(JavaSparkContext jsc, String params, String ranges) {
    List<List<Range>> tasks = ranges(parse(ranges)).stream().map(List::of).collect(Collectors.toList());
    return new JavaRDD<>(new FrameRDD(jsc.sc(), tasks, params(parse(params))), ClassTag$.MODULE$.apply(byte[].class));
  }

  /** Throws what Spark 2.4 threw, for Python's old doors: old scripts catch it as py4j hands it over. */
  public static void refuse(Exception refusal) throws Exception {
    throw refusal;
  }

  /** A recovered context has the checkpoint's settings, silently; here it is said of each --conf that is given in vain. */
  static void warnOfIgnoredSettings(StreamingContext ssc) {
    System.getProperties().stringPropertyNames().stream().filter(name -> name.startsWith("spark.streaming."))
        .filter(name -> ssc.isCheckpointPresent() && !System.getProperty(name).equals(ssc.conf().get(name, "")))
        .forEach(name -> LOG.warn("{}={} is not in force: the checkpoint says {}, and settings are taken from there", name,
            System.getProperty(name), ssc.conf().get(name, "nothing of it")));
  }

  /** The ranges of an RDD of ours, or of what maps and unions make of it: [[[topic, partition, from, until], …] per partition]. */
  public static String ranges(RDD<?> rdd) {
    List<Object> out = new ArrayList<>();
    for (List<Range> part : rangesOf(rdd)) {
      out.add(part.stream().map(r -> List.of(r.topic(), r.partition(), r.from(), r.until())).collect(Collectors.toList()));
    }
    return JSON.valueToTree(out).toString();
  }

  /** The leader epoch of the last record of each partition in the same RDDs, where it is known: [[topic, partition, epoch], …]. */
  public static String leaderEpochs(RDD<?> rdd) {
    Map<TopicPartition, Integer> out = new HashMap<>();
    rangesOf(rdd).stream().flatMap(List::stream).filter(range -> range.count() > 0 && range.epoch() != null)
        .forEach(range -> out.merge(range.topicPartition(), range.epoch(), Math::max));
    return JSON.valueToTree(out.entrySet().stream()
        .map(e -> List.of(e.getKey().topic(), e.getKey().partition(), e.getValue())).collect(Collectors.toList())).toString();
  }

  private static List<List<Range>> rangesOf(RDD<?> rdd) {
    if (rdd instanceof HasRanges) return ((HasRanges) rdd).ranges();
    List<List<Range>> out = new ArrayList<>();
    if (rdd instanceof UnionRDD) {
      Scala.list(((UnionRDD<?>) rdd).rdds()).forEach(part -> out.addAll(rangesOf((RDD<?>) part)));
      return out;
    }
    List<Dependency<?>> parents = Scala.list(rdd.dependencies());
    if (parents.size() == 1 && parents.get(0) instanceof OneToOneDependency) return rangesOf(parents.get(0).rdd());
    throw new IllegalArgumentException("only the RDD of a Kafka stream, or what map-like operations make of it, has offset "
        + "ranges; this one is a " + rdd.getClass().getSimpleName());
  }

  /** {topic: {"id": …, "partitions": {"0": [begin, end], …}}}. */
  public static String topics(String params, List<String> topics) {
    Offsets kafka = Offsets.of(params(parse(params)));
    Map<String, Object> out = new TreeMap<>();
    for (TopicDescription topic : kafka.describe(topics).values()) {
      List<TopicPartition> partitions = Offsets.partitions(Map.of(topic.name(), topic));
      Map<TopicPartition, Long> begins = kafka.begins(partitions);
      Map<TopicPartition, Long> ends = kafka.ends(partitions);
      Map<Integer, Object> offsets = new TreeMap<>();
      partitions.forEach(p -> offsets.put(p.partition(), List.of(begins.get(p), ends.get(p))));
      out.put(topic.name(), Map.of("id", topic.topicId().toString(), "partitions", offsets));
    }
    return JSON.valueToTree(out).toString();
  }

  /** {topic: id}: `topics` without the round trips for its offsets. */
  public static String topicIds(String params, List<String> topics) {
    return JSON.valueToTree(Offsets.of(params(parse(params))).describe(topics).values().stream()
        .collect(Collectors.toMap(TopicDescription::name, topic -> topic.topicId().toString()))).toString();
  }

  /** Closes the client that `topics` has opened for these parameters, for callers that ask only once. */
  public static void close(String params) {
    Offsets.close(params(parse(params)));
  }

  /** Commits offsets ([[topic, partition, offset], …]) and leader epochs (the same rows) for a group without members. */
  public static void commit(String params, String group, String offsets, String epochs) {
    Offsets.of(params(parse(params))).commit(group, offsets(parse(offsets)), epochs(parse(epochs)));
  }

  /** Names the group of a context's receivers, before it starts. */
  public static void group(JavaStreamingContext jssc, String group) {
    for (InputDStream<?> stream : jssc.ssc().graph().getReceiverInputStreams()) {
      if (stream instanceof ReceiverStream) ((ReceiverStream) stream).group(group);
    }
  }

  /** Tells Spark what a batch holds, for the streaming page and for backpressure. */
  static void report(InputDStream<byte[]> stream, Time time, long records, List<Range> ranges) {
    String text = ranges.stream().limit(SHOWN).map(Range::toString).collect(Collectors.joining("\n"));
    if (ranges.size() > SHOWN) text += "\n… and " + (ranges.size() - SHOWN) + " more";
    var metadata = new scala.collection.immutable.Map.Map1<String, Object>(StreamInputInfo.METADATA_KEY_DESCRIPTION(), text); // Spark keeps a thousand batches' of it
    stream.ssc().scheduler().inputInfoTracker().reportInfo(time, new StreamInputInfo(stream.id(), records, metadata));
  }

  private static JavaDStream<byte[]> wrap(InputDStream<byte[]> stream) {
    return new JavaDStream<>(stream, ClassTag$.MODULE$.apply(byte[].class));
  }

  private static Map<TopicPartition, Long> offsets(JsonNode rows) {
    Map<TopicPartition, Long> out = new LinkedHashMap<>();
    rows.forEach(row -> out.put(new TopicPartition(row.get(0).asText(), row.get(1).asInt()), row.get(2).asLong()));
    return out;
  }

  private static Map<TopicPartition, Integer> epochs(JsonNode rows) {
    Map<TopicPartition, Integer> out = new HashMap<>();
    offsets(rows).forEach((partition, epoch) -> out.put(partition, epoch.intValue()));
    return out;
  }

  private static List<Range> ranges(JsonNode rows) {
    List<Range> out = new ArrayList<>();
    rows.forEach(row -> out.add(new Range(row.get(0).asText(), row.get(1).asInt(), row.get(2).asLong(), row.get(3).asLong())));
    return out;
  }

  private static Map<String, String> params(JsonNode json) {
    Map<String, String> out = new HashMap<>();
    json.fields().forEachRemaining(entry -> out.put(entry.getKey(), entry.getValue().asText()));
    return out;
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not JSON: " + text, e);
    }
  }
}
