import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Connector/J or MariaDB Connector/J with its defaults: URL user password file-of-statements. */
public final class Main {
  public static void main(String[] given) throws Exception {
    final List<String> statements = Files.readAllLines(Path.of(given[3]));
    try (Connection connection = DriverManager.getConnection(given[0], given[1], given[2])) {
      System.out.println("version\t" + connection.getMetaData().getDatabaseProductVersion());
      if (!connection.isValid(5)) throw new IllegalStateException("not valid");
      for (final String statement : statements) {
        try (Statement plain = connection.createStatement()) {
          report("text", statement, plain.execute(statement) ? plain.getResultSet() : null);
        }
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
          report("prepared", statement, prepared.execute() ? prepared.getResultSet() : null);
        }
      }
      connection.setCatalog("information_schema");
      connection.setReadOnly(true);
      connection.setReadOnly(false);
      connection.setAutoCommit(false);
      connection.commit();
      connection.rollback();
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      System.out.println("catalog\t" + connection.getCatalog());
    }
  }

  private static void report(String how, String statement, ResultSet rows) throws Exception {
    final List<String> columns = new ArrayList<>();
    int count = 0;
    if (rows != null) {
      final ResultSetMetaData about = rows.getMetaData();
      for (int i = 1; i <= about.getColumnCount(); i++) columns.add(about.getColumnLabel(i));
      while (rows.next()) {
        for (int i = 1; i <= about.getColumnCount(); i++) rows.getObject(i);
        count++;
      }
    }
    System.out.println(how + "\t" + statement + "\t" + String.join(",", columns) + "\t" + (count > 0));
  }

  private Main() {}
}
