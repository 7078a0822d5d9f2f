package kafkadstreams;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockManagerId;

/**
 * Which executor reads which partition: it keeps a consumer for it, and what that has fetched ahead. A partition stays where it is
 * while its executor lives and has no more than its share.
 */
final class Homes {
  private final Map<TopicPartition, String> homes = new HashMap<>();

  /** The executors of a cluster, as Spark's scheduler spells a preference for one; none in local mode. */
  static List<String> executors(SparkContext context) {
    if (context.isLocal()) return List.of();
    BlockManagerId driver = SparkEnv.get().blockManager().blockManagerId();
    List<String> found = new ArrayList<>();
    Scala.list(SparkEnv.get().blockManager().master().getPeers(driver))
        .forEach(peer -> found.add("executor_" + peer.host() + "_" + peer.executorId()));
    Collections.sort(found);
    return found;
  }

  /** Gives each partition that has no living home, or is one too many there, to the executor with the fewest. */
  void assign(Collection<TopicPartition> partitions, List<String> executors) {
    homes.keySet().retainAll(partitions);
    homes.values().retainAll(executors);
    if (executors.isEmpty()) return;
    int share = (partitions.size() + executors.size() - 1) / executors.size();
    Map<String, Integer> loads = new HashMap<>();
    executors.forEach(executor -> loads.put(executor, 0));
    homes.values().removeIf(home -> loads.merge(home, 1, Integer::sum) > share);
    loads.replaceAll((executor, load) -> Math.min(load, share));
    for (TopicPartition partition : partitions) {
      homes.computeIfAbsent(partition, p -> {
        String emptiest = Collections.min(executors, Comparator.comparing(loads::get));
        loads.merge(emptiest, 1, Integer::sum);
        return emptiest;
      });
    }
  }

  /** Empty where there is no cluster. */
  String of(TopicPartition partition) {
    return homes.getOrDefault(partition, "");
  }
}
