import com.alibaba.otter.canal.filter.aviater.AviaterRegexFilter;
import com.alibaba.otter.canal.parse.inbound.ErosaConnection;
import com.alibaba.otter.canal.parse.inbound.mysql.MysqlEventParser;
import com.alibaba.otter.canal.parse.index.FileMixedLogPositionManager;
import com.alibaba.otter.canal.parse.index.MemoryLogPositionManager;
import com.alibaba.otter.canal.parse.support.AuthenticationInfo;
import com.alibaba.otter.canal.protocol.CanalEntry;
import com.alibaba.otter.canal.protocol.position.EntryPosition;
import com.alibaba.otter.canal.protocol.position.LogPosition;
import com.alibaba.otter.canal.sink.AbstractCanalEventSink;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.regex.*;

/**
 * Canal's parse modules as a consumer: prints the entries they make, a JSON object a line. See ../README.md for the form.
 * It has the settings of Canal's deployer, but for the store of table definitions, and keeps its place in Canal's own file.
 */
public class Main {
  /** Stands where Canal's store would. */
  private static class Printer extends AbstractCanalEventSink<List<CanalEntry.Entry>> {
    @Override public boolean sink(List<CanalEntry.Entry> entries, InetSocketAddress remote, String destination) {
      for (CanalEntry.Entry entry : entries) {
        if (entry.getEntryType() != CanalEntry.EntryType.HEARTBEAT) System.out.println(shown(entry));
      }
      System.out.flush();
      return true;
    }
    @Override public void interrupt() {}
  }

  /** Canal's file of places; says each that it has taken. */
  private static class Places extends FileMixedLogPositionManager {
    Places(File folder) {
      super(folder, 1000, new MemoryLogPositionManager());
    }
    /** Without a file it answers with a place that names nothing, which Canal's parser takes for one. */
    @Override public LogPosition getLatestIndexBy(String destination) {
      LogPosition place = super.getLatestIndexBy(destination);
      return place == null || place.getPostion() == null ? null : place;
    }
    @Override public void persistLogPosition(String destination, LogPosition place) {
      super.persistLogPosition(destination, place);
      say(place.getPostion());
    }
  }

  /** Says where it begins. */
  private static class Parser extends MysqlEventParser {
    private boolean said;
    @Override protected EntryPosition findStartPosition(ErosaConnection connection) throws IOException {
      EntryPosition begin = super.findStartPosition(connection);
      if (!said) say(begin);
      said = true;
      return begin;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> wish = flatObject(Files.readString(Path.of(arguments[0])));
    boolean byGtid = wish.get("mode").equals("gtid");
    MysqlEventParser parser = new Parser();
    parser.setDestination("consumer");
    parser.setSlaveId(Long.parseLong(wish.get("server_id")));
    parser.setMasterInfo(new AuthenticationInfo(
        new InetSocketAddress(wish.get("host"), Integer.parseInt(wish.get("port"))), wish.get("user"), wish.get("password")));
    // Where it begins when its file names no place yet; it asks for the end of the log without one.
    if (!wish.get("begin").equals("now")) {
      EntryPosition begin = new EntryPosition(wish.get("file"), Long.parseLong(wish.get("position")));
      if (byGtid) begin.setGtid(wish.get("gtid"));
      parser.setMasterPosition(begin);
    }
    parser.setIsGTIDMode(byGtid);
    parser.setEnableTsdb(false);
    parser.setEventFilter(new AviaterRegexFilter("shop\\..*,lab\\..*"));
    parser.setEventSink(new Printer());
    Places places = new Places(new File(wish.get("state")));
    parser.setLogPositionManager(places);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      parser.stop();
      places.stop();
    }));
    places.start();
    parser.start();
    Thread.currentThread().join();
  }

  private static void say(EntryPosition at) {
    System.out.println("{\"at\": {\"file\": " + quoted(at.getJournalName()) + ", \"position\": " + at.getPosition()
        + ", \"gtid\": " + quoted(at.getGtid() == null ? "" : at.getGtid()) + "}}");
    System.out.flush();
  }

  private static String shown(CanalEntry.Entry entry) {
    String body;
    try {
      switch (entry.getEntryType()) {
        case ROWDATA: body = CanalEntry.RowChange.parseFrom(entry.getStoreValue()).toString(); break;
        case TRANSACTIONBEGIN: body = CanalEntry.TransactionBegin.parseFrom(entry.getStoreValue()).toString(); break;
        case TRANSACTIONEND: body = CanalEntry.TransactionEnd.parseFrom(entry.getStoreValue()).toString(); break;
        default: body = entry.getStoreValue().toStringUtf8();
      }
    } catch (Exception failure) {
      body = failure.toString();
    }
    return "{\"kind\": \"" + entry.getEntryType() + "\", \"header\": " + quoted(entry.getHeader().toString()) + ", \"fields\": "
        + quoted(body) + "}";
  }

  private static String quoted(String text) {
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
