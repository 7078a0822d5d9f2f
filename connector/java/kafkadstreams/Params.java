package kafkadstreams;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.config.provider.EnvVarConfigProvider;
import org.apache.kafka.common.config.provider.FileConfigProvider;

/** What the user's Kafka parameters become for each of the three clients that the connector opens. */
final class Params {
  private Params() {}

  /** The driver's look-ups. */
  static Map<String, Object> admin(Map<String, String> params) {
    Map<String, Object> known = new HashMap<>(params);
    known.keySet().retainAll(AdminClientConfig.configNames());
    return withReferences(params, known);
  }

  /** Whether records that no longer exist in Kafka end the reading (the default), or are skipped with a warning.
   * The name is Structured Streaming's, as that of the next one. */
  static boolean failOnDataLoss(Map<String, String> params) {
    return !"false".equalsIgnoreCase(params.get("failOnDataLoss"));
  }

  static boolean includeHeaders(Map<String, String> params) {
    return "true".equalsIgnoreCase(params.get("includeHeaders"));
  }

  /** ${env:NAME} and ${file:PATH:KEY} are looked up where a client is made: checkpoints and logs hold the reference only. */
  private static Map<String, Object> withReferences(Map<String, String> params, Map<String, Object> out) {
    out.put("config.providers", "env,file");
    out.put("config.providers.env.class", EnvVarConfigProvider.class.getName());
    out.put("config.providers.file.class", FileConfigProvider.class.getName());
    params.keySet().stream().filter(name -> name.startsWith("config.providers")).forEach(name -> out.put(name, params.get(name)));
    return out;
  }

  /** A task that reads exactly the range it was given: no group, no commit. */
  static Map<String, Object> reader(Map<String, String> params) {
    Map<String, Object> out = consumer(params);
    out.remove(ConsumerConfig.GROUP_ID_CONFIG);
    // What a range holds is there. Only the fetch behind the log's end waits, and a reader that moves on would wait for its answer.
    out.putIfAbsent(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, "10");
    return out;
  }

  /** A receiver: a member of its group that commits by itself, after the write-ahead log has the block. */
  static Map<String, Object> receiver(Map<String, String> params) {
    Map<String, Object> out = consumer(params);
    out.putIfAbsent(ConsumerConfig.METADATA_MAX_AGE_CONFIG, "10000"); // how long an added partition may go unseen; Kafka says 5 min
    // How long a lost receiver's partitions wait for another one; Kafka says 45 s. By KIP-848 the broker says it.
    boolean brokerSays = "consumer".equalsIgnoreCase(params.get(ConsumerConfig.GROUP_PROTOCOL_CONFIG));
    if (!brokerSays) out.putIfAbsent(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, "10000");
    return out;
  }

  private static Map<String, Object> consumer(Map<String, String> params) {
    Map<String, Object> out = withReferences(params, new HashMap<>(params));
    out.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    out.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none"); // a jump over deleted records would look like reading them
    out.putIfAbsent(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false"); // otherwise a topic deleted under a stream comes back
    // Kafka's defaults suit many small consumers; a batch reads long runs of one partition. A poll keeps Kafka's 500 records.
    out.putIfAbsent(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, String.valueOf(4 << 20));
    out.putIfAbsent(ConsumerConfig.RECEIVE_BUFFER_CONFIG, String.valueOf(1 << 20));
    return out;
  }
}
