// What the checks of JDBC have in common. The program is given its task as a line of JSON, and tells what came of each check
// as a line of JSON too; a line with "do" asks the runner for a fault, and waits for its answer.

import java.io.BufferedReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import oracle.jdbc.OraclePreparedStatement;
import oracle.jdbc.OracleResultSet;

class Client {
    interface Check {
        void run(Connection c) throws Exception;
    }

    interface Action {
        void run() throws Exception;
    }

    interface Setter {
        void set(OraclePreparedStatement statement, Object value) throws Exception;
    }

    interface Getter {
        Object get(OracleResultSet rows) throws Exception;
    }

    static final Map<String, Check> CHECKS = new TreeMap<>();
    static final String LONG = "Zürich 漢字 ".repeat(200_000);
    static final byte[] LONG_BYTES = new byte[2_000_003];
    static BufferedReader input;
    static PrintStream output;
    static String task;
    static int tables;

    // ---------------------------------------------------------------- the runner
    static String of(String key) {
        Matcher found = Pattern.compile("\"" + key + "\": \"?([^\",}]*)").matcher(task);
        return found.find() ? found.group(1) : "";
    }

    static String quoted(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            made.append(each >= ' ' && each < 127 && each != '"' && each != '\\' ? each : String.format("\\u%04x", (int) each));
        }
        return made.append('"').toString();
    }

    static String ask(String name, String given) throws Exception {
        output.println("{\"do\": \"" + name + "\", \"with\": [" + given + "]}");
        return input.readLine();
    }

    static int pings() throws Exception {
        Matcher found = Pattern.compile("\"ping\": (\\d+)").matcher(ask("round_trips", ""));
        return found.find() ? Integer.parseInt(found.group(1)) : 0;
    }

    // ---------------------------------------------------------------- tools
    static String url() {
        return "jdbc:oracle:thin:@" + of("dsn");
    }

    static Connection connect() throws SQLException {
        return DriverManager.getConnection(url(), of("user"), of("password"));
    }

    static void same(Object found, Object expected) {
        if (!Objects.deepEquals(plain(found), plain(expected))) {
            String both = told(found) + " and not " + told(expected);
            throw new AssertionError(both.length() > 400 ? both.substring(0, 400) : both);
        }
    }

    static String told(Object value) {
        return String.valueOf(value instanceof byte[] bytes ? Arrays.toString(bytes) : plain(value));
    }

    static Object plain(Object value) {
        if (value instanceof int[] numbers) return IntStream.of(numbers).boxed().toList();
        return value instanceof BigDecimal number ? number.stripTrailingZeros() : value;
    }

    static void holds(boolean what, Object told) {
        if (!what) throw new AssertionError(String.valueOf(told));
    }

    static SQLException fails(int code, Action work) throws Exception {
        try {
            work.run();
        } catch (SQLException error) {
            if (code != 0 && error.getErrorCode() != code) throw error;
            return error;
        }
        throw new AssertionError("no error, but " + code + " is due");
    }

    static int run(Connection c, String sql, Object... binds) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql)) {
            for (int i = 0; i < binds.length; i++) statement.setObject(i + 1, binds[i]);
            return statement.executeUpdate();
        }
    }

    static List<List<Object>> rows(Connection c, String sql, Object... binds) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql)) {
            for (int i = 0; i < binds.length; i++) statement.setObject(i + 1, binds[i]);
            try (ResultSet found = statement.executeQuery()) {
                return rows(found);
            }
        }
    }

    static List<List<Object>> rows(ResultSet found) throws SQLException {
        List<List<Object>> made = new ArrayList<>();
        int width = found.getMetaData().getColumnCount();
        while (found.next()) {
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= width; i++) {
                Object value = found.getObject(i);
                row.add(value instanceof BigDecimal number && number.scale() <= 0 ? (Object) number.longValue() : value);
            }
            made.add(row);
        }
        return made;
    }

    static Object value(Connection c, String sql, Object... binds) throws SQLException {
        return rows(c, sql, binds).get(0).get(0);
    }

    static List<Object> numbers(int from, int to) {
        return IntStream.rangeClosed(from, to).mapToObj(i -> (Object) (long) i).collect(Collectors.toList());
    }

    static List<Object> first(List<List<Object>> rows) {
        return rows.stream().map(row -> row.get(0)).collect(Collectors.toList());
    }

    static String table(Connection c, String columns) throws SQLException {
        String name = "t" + ++tables;
        run(c, "create table " + name + " (" + columns + ")");
        return name;
    }

    static void thereAndBack(Connection c, String column, Setter set, int nullType, Getter get, Object... values) throws Exception {
        thereAndBack(c, column, set, nullType, get, values, values);
    }

    static void thereAndBack(
            Connection c, String column, Setter set, int nullType, Getter get, Object[] values, Object[] read) throws Exception {
        String name = table(c, "id number, v " + column);
        try (PreparedStatement plain = c.prepareStatement("insert into " + name + " values (?, ?)")) {
            OraclePreparedStatement statement = plain.unwrap(OraclePreparedStatement.class);
            for (int i = 0; i <= values.length; i++) {
                statement.setInt(1, i);
                if (i < values.length) set.set(statement, values[i]);
                else statement.setNull(2, nullType);
                same(statement.executeUpdate(), 1);
            }
        }
        try (Statement statement = c.createStatement();
                ResultSet rows = statement.executeQuery("select v from " + name + " order by id")) {
            OracleResultSet found = rows.unwrap(OracleResultSet.class);
            for (Object each : read) {
                holds(found.next(), "a row is missing");
                same(get.get(found), each);
            }
            holds(found.next(), "the row of NULL is missing");
            Object none = get.get(found);
            holds(none == null || found.wasNull(), "NULL is " + none);
            holds(!found.next(), "a row too many");
        }
    }

    static void strings(Connection c, String column, String... values) throws Exception {
        thereAndBack(c, column, (s, v) -> s.setString(2, (String) v), Types.VARCHAR, r -> r.getString(1), (Object[]) values);
    }

    static BigDecimal number(String text) {
        return new BigDecimal(text);
    }

    static Timestamp at(String text) {
        return Timestamp.valueOf(text);
    }
}
