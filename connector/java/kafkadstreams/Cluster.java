package kafkadstreams;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;

/** What a context has to run on. */
public final class Cluster {
  private Cluster() {}

  /**
   * The cores that tasks and receivers share. Asked for, not counted: seconds after its start a cluster has few, and
   * `defaultParallelism` says two where there are none. Counted only where no setting says how many.
   */
  public static int cores(SparkContext context) {
    int local = SparkContext$.MODULE$.numDriverCores(context.master());
    if (local > 0) return local;
    SparkConf conf = context.getConf();
    boolean perExecutor = context.master().equals("yarn") || context.master().startsWith("k8s");
    if (perExecutor) return conf.getInt("spark.executor.instances", 2) * conf.getInt("spark.executor.cores", 1);
    return conf.getInt("spark.cores.max", context.defaultParallelism());
  }
}
