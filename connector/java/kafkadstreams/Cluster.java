package kafkadstreams;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.scheduler.SchedulerBackend;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;

/** What a context has to run on: cores that were asked for, and executors that there are. */
public final class Cluster {
  private Cluster() {}

  /** Whether driver and executor are one process. */
  public static boolean isLocal(SparkContext context) {
    return context.isLocal();
  }

  /** Executors that have registered and are not known to be lost. */
  public static int executors(SparkContext context) {
    SchedulerBackend backend = context.schedulerBackend();
    return backend instanceof CoarseGrainedSchedulerBackend ? ((CoarseGrainedSchedulerBackend) backend).getExecutorIds().size() : 1;
  }

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
