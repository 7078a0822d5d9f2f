package kafkadstreams;

import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.python.PythonUtils;

/** What starts a source's process on an executor, and the first bytes that it is sent: the source itself. */
final class PythonSource implements Serializable {
  private static final long serialVersionUID = 1L;

  final String name;
  final Map<String, String> spec;
  final byte[] hello;
  private final Map<String, String> environment;

  /** spec: "name", "python" (the executors' program), "includes" (the context's Python files), and "host" where it must run on one. */
  PythonSource(Map<String, String> spec, Map<String, String> environment, byte[] hello) {
    this.spec = spec;
    name = spec.get("name");
    this.environment = environment;
    this.hello = hello;
  }

  /** As PySpark's own workers are started: the same Python, the same import path, stderr in the executor's log. */
  Process start() throws IOException {
    List<String> path = new ArrayList<>();
    for (String file : spec.get("includes").split(",")) path.add(SparkFiles.getRootDirectory() + File.separator + file);
    Collections.addAll(path, environment.get("PYTHONPATH"), System.getenv("PYTHONPATH"), PythonUtils.sparkPythonPath());
    path.removeIf(part -> part == null || part.isEmpty());
    var builder = new ProcessBuilder(spec.get("python"), "-m", "kafka_dstreams.sources.worker").redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    builder.environment().put("PYTHONPATH", String.join(File.pathSeparator, path));
    try {
      return builder.start();
    } catch (IOException e) {
      if (e.getMessage().contains("error=2,")) throw new GaveUpException(e.getMessage()); // there is no such program
      throw e;
    }
  }
}
