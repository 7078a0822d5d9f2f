package kafkadstreams;

import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.streaming.kafka010.KafkaUtils;
import org.apache.spark.streaming.kafka010.LocationStrategies;
import org.apache.spark.streaming.kafka010.OffsetRange;
import scala.Tuple2;

/** Spark's own connector for the JVM, and the least that Python needs to read from it: each record a pair of byte arrays. */
public final class ZeroTen {
  private ZeroTen() {}

  public static JavaRDD<Tuple2<byte[], byte[]>> pairs(JavaSparkContext jsc, Map<String, Object> params, OffsetRange[] ranges) {
    return KafkaUtils.<byte[], byte[]>createRDD(jsc, params, ranges, LocationStrategies.PreferConsistent())
        .map(record -> new Tuple2<>(record.key(), record.value()));
  }
}
