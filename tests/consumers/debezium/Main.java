import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;

/** Debezium's embedded engine as a consumer: prints its records, a JSON object a line. See ../README.md for the form. */
public class Main {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> wish = flatObject(Files.readString(Path.of(arguments[0])));
    boolean mariadb = wish.get("flavour").equals("mariadb");
    Properties settings = new Properties();
    settings.setProperty("name", "consumer");
    settings.setProperty("connector.class", mariadb ? "io.debezium.connector.mariadb.MariaDbConnector"
                                                    : "io.debezium.connector.mysql.MySqlConnector");
    settings.setProperty("offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
    settings.setProperty("offset.storage.file.filename", wish.get("state") + "/offsets");
    settings.setProperty("offset.flush.interval.ms", "0");
    settings.setProperty("schema.history.internal", "io.debezium.storage.file.history.FileSchemaHistory");
    settings.setProperty("schema.history.internal.file.filename", wish.get("state") + "/schemas");
    settings.setProperty("database.hostname", wish.get("host"));
    settings.setProperty("database.port", wish.get("port"));
    settings.setProperty("database.user", wish.get("user"));
    settings.setProperty("database.password", wish.get("password"));
    settings.setProperty("database.server.id", wish.get("server_id"));
    settings.setProperty("connect.keep.alive.interval.ms", "1000");
    settings.setProperty("topic.prefix", "source");
    settings.setProperty("snapshot.mode", wish.get("snapshot"));
    settings.setProperty("snapshot.locking.mode", "none");  // nobody locks a source's tables through a relay
    settings.setProperty("database.include.list", "shop,lab");
    settings.setProperty("converter.schemas.enable", "false");
    // Without a place to begin at it takes a snapshot first, and where it is then only its heartbeats say.
    boolean beginsNow = wish.get("snapshot").equals("no_data");
    if (beginsNow) settings.setProperty("heartbeat.interval.ms", "200");
    DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine.create(Json.class)
        .using(settings)
        .notifying((records, committer) -> {
          boolean placed = !beginsNow;
          for (ChangeEvent<String, String> record : records) {
            boolean heartbeat = record.destination().startsWith("__debezium-heartbeat");
            placed |= heartbeat;
            if (!heartbeat) System.out.println("{\"kind\": \"record\", \"fields\": {\"topic\": \"" + record.destination() + "\", \"key\": "
                + record.key() + ", \"value\": " + record.value() + "}}");
            committer.markProcessed(record);
          }
          committer.markBatchFinished();
          if (placed) System.out.println("{\"at\": {}}");
          System.out.flush();
        })
        .using((success, message, failure) -> {
          System.err.println(message);
          if (failure != null) failure.printStackTrace();
          System.err.flush();
          if (!success) Runtime.getRuntime().halt(1);
        })
        .build();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        engine.close();
      } catch (Exception ignored) {
        Runtime.getRuntime().halt(2);
      }
    }));
    engine.run();
  }

  /** A JSON object of strings, numbers and booleans: all that the driver writes. */
  static Map<String, String> flatObject(String text) {
    Map<String, String> found = new HashMap<>();
    Matcher pair = Pattern.compile("\"(\\w+)\": (?:\"([^\"]*)\"|([\\w.-]+))").matcher(text);
    while (pair.find()) found.put(pair.group(1), pair.group(2) != null ? pair.group(2) : pair.group(3));
    return found;
  }
}
