import com.github.shyiko.mysql.binlog.BinaryLogClient;
import com.github.shyiko.mysql.binlog.event.*;
import com.github.shyiko.mysql.binlog.network.SSLMode;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.regex.*;

/** mysql-binlog-connector-java as a consumer: prints what it decodes, a JSON object a line. See ../README.md for the form. */
public class Main {
  private static String file;

  public static void main(String[] arguments) throws Exception {
    Map<String, String> wish = flatObject(Files.readString(Path.of(arguments[0])));
    BinaryLogClient client = new BinaryLogClient(
        wish.get("host"), Integer.parseInt(wish.get("port")), wish.get("user"), wish.get("password"));
    client.setServerId(Long.parseLong(wish.get("server_id")));
    client.setSSLMode(SSLMode.PREFERRED);
    client.setKeepAliveInterval(1000);
    client.setUseSendAnnotateRowsEvent(true);
    if (wish.get("mode").equals("gtid")) {
      client.setGtidSet(wish.get("gtid"));
    } else {
      client.setBinlogFilename(wish.get("file"));
      client.setBinlogPosition(Long.parseLong(wish.get("position")));
      file = wish.get("file");
    }
    client.registerLifecycleListener(new BinaryLogClient.AbstractLifecycleListener() {
      @Override public void onEventDeserializationFailure(BinaryLogClient ignored, Exception failure) {
        System.out.println("{\"kind\": \"failure\", \"fields\": " + quoted(failure.toString()) + "}");
      }
    });
    client.registerEventListener(event -> print(client, event));
    client.connect(20000);
    Thread.currentThread().join();
  }

  private static void print(BinaryLogClient client, Event event) {
    EventHeaderV4 header = event.getHeader();
    EventData content = event.getData();
    if (content instanceof RotateEventData) file = ((RotateEventData) content).getBinlogFilename();
    if (header.getEventType() != EventType.HEARTBEAT) System.out.println(shown(event));
    boolean ends = header.getEventType() == EventType.XID || content instanceof TransactionPayloadEventData
        || content instanceof QueryEventData && !((QueryEventData) content).getSql().equals("BEGIN");
    if (ends) {
      System.out.println("{\"at\": {\"file\": " + quoted(file) + ", \"position\": " + header.getNextPosition()
          + ", \"gtid\": " + quoted(String.valueOf(client.getGtidSet())) + "}}");
    }
    System.out.flush();
  }

  private static String shown(Event event) {
    EventHeaderV4 header = event.getHeader();
    return "{\"kind\": " + quoted(header.getEventType().toString()) + ", \"header\": {\"timestamp\": " + header.getTimestamp()
        + ", \"server_id\": " + header.getServerId() + ", \"log_pos\": " + header.getNextPosition() + ", \"flags\": "
        + header.getFlags() + ", \"size\": " + header.getEventLength() + "}, \"fields\": " + fields(event.getData()) + "}";
  }

  private static String fields(EventData content) {
    if (content instanceof WriteRowsEventData) return quoted(table(content) + rows(((WriteRowsEventData) content).getRows()));
    if (content instanceof DeleteRowsEventData) return quoted(table(content) + rows(((DeleteRowsEventData) content).getRows()));
    if (content instanceof UpdateRowsEventData) {
      StringBuilder text = new StringBuilder(table(content));
      for (Map.Entry<Serializable[], Serializable[]> row : ((UpdateRowsEventData) content).getRows()) {
        text.append(row(row.getKey())).append(" -> ").append(row(row.getValue()));
      }
      return quoted(text.toString());
    }
    if (content instanceof TransactionPayloadEventData) {
      StringBuilder text = new StringBuilder("[");
      for (Event inner : ((TransactionPayloadEventData) content).getUncompressedEvents()) {
        text.append(text.length() > 1 ? ", " : "").append(shown(inner));
      }
      return text.append("]").toString();
    }
    if (content instanceof ByteArrayEventData) return quoted(value(((ByteArrayEventData) content).getData()));
    return quoted(String.valueOf(content));
  }

  /** What a rows event says of its table and columns: the text up to its rows. */
  private static String table(EventData content) {
    return content.toString().replaceFirst("(?s), rows=\\[.*", " ");
  }

  private static String rows(List<Serializable[]> rows) {
    StringBuilder text = new StringBuilder();
    for (Serializable[] row : rows) text.append(row(row));
    return text.toString();
  }

  private static String row(Serializable[] row) {
    StringBuilder text = new StringBuilder("(");
    for (Serializable field : row) text.append(value(field)).append(", ");
    return text.append(")").toString();
  }

  private static String value(Object field) {
    if (field instanceof java.util.Date) return String.valueOf(((java.util.Date) field).getTime());
    return field instanceof byte[] ? HexFormat.of().formatHex((byte[]) field) : String.valueOf(field);
  }

  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }

  /** A JSON object of strings, numbers and booleans: all that the driver writes. */
  static Map<String, String> flatObject(String text) {
    Map<String, String> found = new HashMap<>();
    Matcher pair = Pattern.compile("\"(\\w+)\": (?:\"([^\"]*)\"|([\\w.-]+))").matcher(text);
    while (pair.find()) found.put(pair.group(1), pair.group(2) != null ? pair.group(2) : pair.group(3));
    return found;
  }
}
