// The checks with Oracle's JDBC thin driver and its Universal Connection Pool. It is given its task as a line of JSON, and
// tells what came of each check as a line of JSON too; a line with "do" asks the runner for a fault, and waits for its
// answer. It is run from its source: `java -cp ojdbc8.jar:ucp.jar Jdbc.java`.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.*;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.sql.XAConnection;
import javax.transaction.xa.XAException;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import oracle.jdbc.OracleConnection;
import oracle.jdbc.OraclePreparedStatement;
import oracle.jdbc.OracleResultSet;
import oracle.jdbc.OracleTypes;
import oracle.sql.INTERVALDS;
import oracle.sql.INTERVALYM;
import oracle.ucp.jdbc.PoolDataSource;
import oracle.ucp.jdbc.PoolDataSourceFactory;

public class Jdbc {
    interface Check {
        void run(Connection c) throws Exception;
    }

    interface Work {
        void run() throws Exception;
    }

    interface Setter {
        void set(OraclePreparedStatement statement, Object value) throws Exception;
    }

    interface Getter {
        Object get(OracleResultSet rows) throws Exception;
    }

    static final Map<String, Check> CHECKS = new TreeMap<>();
    static final Map<String, String> LEFT_OUT =
            Map.of(
                    "bind_in_out", "JDBC takes each place of a bind in a block for a bind of its own",
                    "boolean", "no type BOOLEAN in SQL before 23ai",
                    "json", "no type JSON before 21c",
                    "last_rowid", "JDBC does not tell of ROWIDs of its own");
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

    public static void main(String[] arguments) throws Exception {
        output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (int i = 0; i < LONG_BYTES.length; i++) LONG_BYTES[i] = (byte) (i % 251);
        task = input.readLine();
        output.println("{\"client\": \"Oracle JDBC thin " + new oracle.jdbc.OracleDriver().getMajorVersion() + "."
                + new oracle.jdbc.OracleDriver().getMinorVersion() + "\"}");
        ExecutorService threads = Executors.newCachedThreadPool();
        Matcher names = Pattern.compile("\"(\\w+)\"").matcher(task.replaceAll(".*\"checks\": \\[([^]]*)].*", "$1"));
        while (names.find()) {
            String name = names.group(1);
            Future<String> result = threads.submit(() -> outcome(name));
            String told;
            try {
                told = result.get(30, TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                told = "\"result\": \"fail\", \"detail\": \"no end within 30 seconds\"";
            }
            output.println("{\"check\": \"" + name + "\", " + told + "}");
        }
        System.exit(0);
    }

    static String outcome(String name) {
        if (LEFT_OUT.containsKey(name)) {
            return "\"result\": \"left out\", \"detail\": " + quoted(LEFT_OUT.get(name));
        }
        Check check = CHECKS.get(name);
        if (check == null) return "\"result\": \"fail\", \"detail\": \"not written\"";
        try {
            Connection c = connect();
            try {
                check.run(c);
            } finally {
                c.unwrap(OracleConnection.class).abort(); // its session may have ended
            }
            return "\"result\": \"pass\"";
        } catch (Throwable error) {
            StringWriter told = new StringWriter();
            if (of("verbose").equals("true")) error.printStackTrace(new PrintWriter(told));
            else told.write(error.toString());
            boolean refused = (error + " " + error.getCause()).contains("ORA-03001");
            return "\"result\": \"" + (refused ? "refused" : "fail") + "\", \"detail\": " + quoted(told.toString().trim());
        }
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

    static SQLException fails(int code, Work work) throws Exception {
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

    static {
        logOns();
        types();
        binds();
        dml();
        lobs();
        fetching();
        transactions();
        errors();
        calls();
        pools();
    }

    // ---------------------------------------------------------------- log-ons
    static void logOns() {
        CHECKS.put("connect", c -> same(value(c, "select 'x' from dual"), "x"));
        CHECKS.put("connect_with_sid", c -> {
            String url = "jdbc:oracle:thin:@" + of("host") + ":" + of("port") + ":" + of("service");
            try (Connection other = DriverManager.getConnection(url, of("user"), of("password"))) {
                same(value(other, "select 1 from dual"), 1L);
            }
        });
        CHECKS.put("connect_with_descriptor", c -> {
            String address = "(ADDRESS=(PROTOCOL=TCP)(HOST=" + of("host") + ")(PORT=" + of("port") + "))";
            String url = "jdbc:oracle:thin:@(DESCRIPTION=(RETRY_COUNT=1)" + address + "(CONNECT_DATA=(SERVICE_NAME=" + of("service") + ")))";
            try (Connection other = DriverManager.getConnection(url, of("user"), of("password"))) {
                same(value(other, "select 1 from dual"), 1L);
            }
        });
        CHECKS.put("wrong_password", c -> fails(1017, () -> DriverManager.getConnection(url(), of("user"), "wrong")));
        CHECKS.put("unknown_service", c -> {
            String url = "jdbc:oracle:thin:@" + of("host") + ":" + of("port") + "/nosuch";
            fails(12514, () -> DriverManager.getConnection(url, of("user"), of("password")));
        });
        CHECKS.put("no_listener", c -> {
            String url = "jdbc:oracle:thin:@" + of("host") + ":1/" + of("service");
            fails(17002, () -> DriverManager.getConnection(url, of("user"), of("password")));
        });
        CHECKS.put("server_version", c -> {
            same(c.getMetaData().getDatabaseMajorVersion(), 19);
            holds(c.getMetaData().getDatabaseProductVersion().contains("19c"), c.getMetaData().getDatabaseProductVersion());
        });
        CHECKS.put("session_attributes", c -> {
            c.setClientInfo("OCSID.MODULE", "checks");
            c.setClientInfo("OCSID.ACTION", "attributes");
            c.setClientInfo("OCSID.CLIENTID", "me");
            String sql = "select module, action, program from v$session where client_identifier = 'me'";
            same(rows(c, sql), List.of(List.of("checks", "attributes", "JDBC Thin Client")));
            same(value(c, "select sys_context('userenv', 'session_user') from dual"), of("user").toUpperCase());
        });
    }

    // ---------------------------------------------------------------- types
    static void types() {
        Setter decimal = (s, v) -> s.setBigDecimal(2, (BigDecimal) v);
        CHECKS.put("number", c -> thereAndBack(c, "number", decimal, Types.NUMERIC, r -> r.getBigDecimal(1),
                number("0"), number("1"), number("-1"), number("0.5"), number("-12345.678"), number("123456789012345"), number("1e20")));
        CHECKS.put("number_of_38_digits", c -> {
            thereAndBack(c, "number(38)", decimal, Types.NUMERIC, r -> r.getBigDecimal(1),
                    number("99999999999999999999999999999999999999"), number("-12345678901234567890123456789012345678"));
            thereAndBack(c, "number", decimal, Types.NUMERIC, r -> r.getBigDecimal(1), number("0.12345678901234567890123456789012345678"));
        });
        CHECKS.put("number_bounds", c -> {
            try (Statement s = c.createStatement();
                    ResultSet r = s.executeQuery("select 1e125, -1e125, 1e-120, 0.1 + 0.2, 1 / 3 from dual")) {
                r.next();
                String[] due = {"1e125", "-1e125", "1e-120", "0.3"};
                for (int i = 0; i < due.length; i++) same(r.getBigDecimal(i + 1), number(due[i]));
                String third = r.getBigDecimal(5).toPlainString();
                holds(third.matches("0\\.3{38,40}"), third);
                same(r.getDouble(5), 1 / 3.0);
            }
        });
        CHECKS.put("float", c -> thereAndBack(c, "float", (s, v) -> s.setDouble(2, (Double) v), Types.DOUBLE, r -> r.getDouble(1), 1.5, -0.1, 123456.789));
        CHECKS.put("binary_float", c -> thereAndBack(c, "binary_float", (s, v) -> s.setBinaryFloat(2, (Float) v),
                OracleTypes.BINARY_FLOAT, r -> r.getFloat(1), 1.5f, -0.25f, 0f, 1.2676506e30f));
        Setter binaryDouble = (s, v) -> s.setBinaryDouble(2, (Double) v);
        CHECKS.put("binary_double", c -> thereAndBack(c, "binary_double", binaryDouble, OracleTypes.BINARY_DOUBLE,
                r -> r.getDouble(1), 0.1, -1e-300, Double.MAX_VALUE));
        CHECKS.put("binary_nan_and_infinity", c -> thereAndBack(c, "binary_double", binaryDouble, OracleTypes.BINARY_DOUBLE,
                r -> r.getDouble(1), Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY));
        CHECKS.put("char", c -> thereAndBack(c, "char(5)", (s, v) -> s.setFixedCHAR(2, (String) v), Types.CHAR,
                r -> r.getString(1), new Object[] {"abc", "abcde"}, new Object[] {"abc  ", "abcde"}));
        CHECKS.put("varchar2", c -> strings(c, "varchar2(50)", "x", "Zürich", " y ", "it's"));
        CHECKS.put("varchar2_beyond_the_bmp", c -> strings(c, "varchar2(20 char)", "😀", "a𝄞b", "漢字😀"));
        Setter national = (s, v) -> s.setNString(2, (String) v);
        CHECKS.put("nvarchar2", c -> thereAndBack(c, "nvarchar2(50)", national, Types.NVARCHAR, r -> r.getNString(1), "x", "漢字", "😀é"));
        CHECKS.put("nchar", c -> thereAndBack(c, "nchar(4)", national, Types.NCHAR, r -> r.getNString(1),
                new Object[] {"é", "漢字漢字"}, new Object[] {"é   ", "漢字漢字"}));
        CHECKS.put("raw", c -> thereAndBack(c, "raw(300)", (s, v) -> s.setBytes(2, (byte[]) v), Types.VARBINARY,
                r -> r.getBytes(1), new byte[] {0, -1, 7}, Arrays.copyOf(new byte[] {1}, 300)));
        Setter moment = (s, v) -> s.setTimestamp(2, (Timestamp) v);
        CHECKS.put("date", c -> {
            thereAndBack(c, "date", moment, Types.TIMESTAMP, r -> r.getTimestamp(1), at("2024-02-29 23:59:58"));
            thereAndBack(c, "date", (s, v) -> s.setDate(2, (Date) v), Types.DATE, r -> r.getDate(1), Date.valueOf("2024-02-29"));
        });
        CHECKS.put("date_bounds", c -> {
            thereAndBack(c, "date", moment, Types.TIMESTAMP, r -> r.getTimestamp(1), at("1000-01-01 00:00:00"), at("9999-12-31 23:59:59"));
        });
        CHECKS.put("timestamp", c -> {
            thereAndBack(c, "timestamp", moment, Types.TIMESTAMP, r -> r.getTimestamp(1), at("2024-02-29 01:02:03.456789"), at("1970-01-01 00:00:00"));
            thereAndBack(c, "timestamp", (s, v) -> s.setObject(2, v), Types.TIMESTAMP, r -> r.getObject(1, LocalDateTime.class),
                    LocalDateTime.of(2024, 2, 29, 1, 2, 3, 456_789_000));
        });
        CHECKS.put("timestamp_with_nanoseconds", c -> {
            String sql = "select to_char(cast(timestamp '2024-02-29 01:02:03.123456' as timestamp(9)), 'FF9') from dual";
            same(value(c, sql), "123456000");
        });
        Setter object = (s, v) -> s.setObject(2, v);
        Object[] offsets = {OffsetDateTime.of(2024, 2, 29, 1, 2, 3, 456_789_000, ZoneOffset.UTC),
            OffsetDateTime.of(2024, 7, 1, 1, 2, 3, 0, ZoneOffset.ofHoursMinutes(5, 30))};
        Object[] instants = Arrays.stream(offsets).map(v -> ((OffsetDateTime) v).toInstant()).toArray();
        Getter instant = r -> {
            OffsetDateTime found = r.getObject(1, OffsetDateTime.class);
            return found == null ? null : found.toInstant();
        };
        CHECKS.put("timestamp_with_time_zone", c ->
                thereAndBack(c, "timestamp with time zone", object, OracleTypes.TIMESTAMPTZ, instant, offsets, instants));
        CHECKS.put("timestamp_with_local_time_zone", c -> {
            c.unwrap(OracleConnection.class).setSessionTimeZone("UTC");
            thereAndBack(c, "timestamp with local time zone", object, OracleTypes.TIMESTAMPTZ, r -> {
                Timestamp found = r.getTimestamp(1);
                return found == null ? null : found.toInstant();
            }, offsets, instants);
        });
        CHECKS.put("interval_day_to_second", c -> thereAndBack(c, "interval day(9) to second(9)",
                (s, v) -> s.setINTERVALDS(2, new INTERVALDS((String) v)), OracleTypes.INTERVALDS, r -> r.getString(1),
                "11 10:9:8.555", "-1 2:3:4.0"));
        CHECKS.put("interval_year_to_month", c -> thereAndBack(c, "interval year(4) to month",
                (s, v) -> s.setINTERVALYM(2, new INTERVALYM((String) v)), OracleTypes.INTERVALYM, r -> r.getString(1), "10-9", "-1-2"));
        CHECKS.put("clob", c -> strings(c, "clob", "x", "Zürich 😀", "y".repeat(5000)));
        CHECKS.put("nclob", c -> thereAndBack(c, "nclob", national, Types.NVARCHAR, r -> r.getNString(1), "x", "漢字 😀"));
        CHECKS.put("blob", c -> thereAndBack(c, "blob", (s, v) -> s.setBytes(2, (byte[]) v), Types.VARBINARY,
                r -> r.getBytes(1), new byte[] {0, -1}, Arrays.copyOf(new byte[] {7}, 5000)));
        CHECKS.put("rowid", c -> {
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (7)");
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select rowid from " + name)) {
                r.next();
                RowId row = r.getRowId(1);
                holds(r.getString(1).matches("[A-Za-z0-9+/]{18}"), r.getString(1));
                same(value(c, "select v from " + name + " where rowid = ?", r.getString(1)), 7L);
                try (PreparedStatement p = c.prepareStatement("select v from " + name + " where rowid = ?")) {
                    p.setRowId(1, row);
                    same(rows(p.executeQuery()), List.of(List.of(7L)));
                }
            }
        });
        CHECKS.put("null", c -> {
            try (PreparedStatement s = c.prepareStatement("select null, cast(null as number), nvl(?, 'none') from dual")) {
                s.setNull(1, Types.VARCHAR);
                same(rows(s.executeQuery()), List.of(Arrays.asList(null, null, "none")));
            }
        });
        CHECKS.put("empty_string", c -> {
            String name = table(c, "v varchar2(10)");
            run(c, "insert into " + name + " values (?)", "");
            same(rows(c, "select v, nvl(v, 'null') from " + name), List.of(Arrays.asList(null, "null")));
        });
        CHECKS.put("description", c -> {
            String columns = "a number(9,2) not null, b varchar2(30), c date, d timestamp(3), e clob, f raw(16), g number, h char(3 char), i blob";
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select * from " + table(c, columns))) {
                ResultSetMetaData found = r.getMetaData();
                List<String> names = new ArrayList<>();
                List<String> kinds = new ArrayList<>();
                for (int i = 1; i <= found.getColumnCount(); i++) {
                    names.add(found.getColumnName(i));
                    kinds.add(found.getColumnTypeName(i));
                }
                same(names, List.of("A", "B", "C", "D", "E", "F", "G", "H", "I"));
                same(kinds, List.of("NUMBER", "VARCHAR2", "DATE", "TIMESTAMP", "CLOB", "RAW", "NUMBER", "CHAR", "BLOB"));
                same(List.of(found.getPrecision(1), found.getScale(1), found.isNullable(1)), List.of(9, 2, ResultSetMetaData.columnNoNulls));
                same(List.of(found.getPrecision(7), found.getScale(7), found.isNullable(7)), List.of(0, -127, ResultSetMetaData.columnNullable));
                same(List.of(found.getColumnDisplaySize(2), found.getPrecision(2), found.getPrecision(8)), List.of(30, 30, 3));
            }
        });
    }

    // ---------------------------------------------------------------- binds
    static void binds() {
        CHECKS.put("binds_by_name", c -> {
            try (PreparedStatement plain = c.prepareStatement("select :one || :two || :three from dual")) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                s.setStringAtName("three", "c");
                s.setStringAtName("one", "a");
                s.setStringAtName("two", "b");
                same(rows(s.executeQuery()), List.of(List.of("abc")));
            }
        });
        CHECKS.put("binds_by_position", c -> same(value(c, "select ? || ? || ? from dual", "a", "b", "c"), "abc"));
        CHECKS.put("bind_repeated", c -> {
            try (PreparedStatement plain = c.prepareStatement("select :v || :w || :v from dual")) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                s.setStringAtName("v", "a");
                s.setStringAtName("w", "b");
                same(rows(s.executeQuery()), List.of(List.of("aba")));
            }
        });
        CHECKS.put("bind_out", c -> {
            try (CallableStatement s = c.prepareCall("begin ? := 6 * 7; ? := 'é' || ?; ? := null; end;")) {
                for (int i = 0; i < 2; i++) {
                    s.registerOutParameter(1, Types.INTEGER);
                    s.registerOutParameter(2, Types.VARCHAR);
                    s.setString(3, "in");
                    s.registerOutParameter(4, Types.TIMESTAMP);
                    s.execute();
                    same(Arrays.asList(s.getInt(1), s.getString(2), s.getTimestamp(4)), Arrays.asList(42, "éin", null));
                }
            }
        });
        CHECKS.put("bind_of_4000_bytes", c -> strings(c, "varchar2(4000)", "x".repeat(4000), "é".repeat(2000)));
        CHECKS.put("bind_of_32767_bytes", c -> {
            try (CallableStatement s = c.prepareCall("begin ? := ?; end;")) {
                s.registerOutParameter(1, Types.VARCHAR);
                s.setString(2, "é".repeat(16383));
                s.execute();
                same(s.getString(1), "é".repeat(16383));
            }
        });
        CHECKS.put("plsql_block", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "begin insert into " + name + " values (?); update " + name + " set v = v + 1; commit; end;", 1);
            c.rollback();
            same(value(c, "select v from " + name), 2L);
        });
        CHECKS.put("ref_cursor", c -> {
            try (CallableStatement s = c.prepareCall("begin open ? for select level as n from dual connect by level <= 250; end;")) {
                s.registerOutParameter(1, OracleTypes.CURSOR);
                s.execute();
                try (ResultSet r = s.getObject(1, ResultSet.class)) {
                    same(first(rows(r)), numbers(1, 250));
                }
            }
        });
        CHECKS.put("implicit_results", c -> {
            String sql = "declare c sys_refcursor; begin open c for select 1 as n from dual; dbms_sql.return_result(c); end;";
            try (Statement s = c.createStatement()) {
                s.execute(sql);
                holds(s.getMoreResults(), "no result");
                same(rows(s.getResultSet()), List.of(List.of(1L)));
            }
        });
    }

    // ---------------------------------------------------------------- DML
    static void dml() {
        CHECKS.put("insert_update_delete", c -> {
            String name = table(c, "id number, v varchar2(10)");
            same(run(c, "insert into " + name + " select level, 'x' from dual connect by level <= 5"), 5);
            same(run(c, "update " + name + " set v = 'y' where id > 2"), 3);
            same(run(c, "delete from " + name + " where id = 1"), 1);
            same(run(c, "delete from " + name + " where id = 100"), 0);
        });
        CHECKS.put("array_dml", c -> {
            String name = table(c, "id number, v varchar2(20)");
            List<List<Object>> given = new ArrayList<>();
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?, ?)")) {
                for (int i = 0; i < 1000; i++) {
                    given.add(Arrays.asList((long) i, i % 7 > 0 ? "row " + i : null));
                    s.setInt(1, i);
                    s.setString(2, i % 7 > 0 ? "row " + i : null);
                    s.addBatch();
                }
                same(IntStream.of(s.executeBatch()).boxed().toList(), java.util.Collections.nCopies(1000, 1));
            }
            same(rows(c, "select * from " + name + " order by id"), given);
        });
        CHECKS.put("array_dml_batch_errors", c -> { // JDBC stops at the first row that fails
            String name = table(c, "id number primary key, v varchar2(3)");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?, ?)")) {
                for (String v : new String[] {"a", "b", "too long", "c"}) {
                    s.setInt(1, v.charAt(0));
                    s.setString(2, v);
                    s.addBatch();
                }
                BatchUpdateException error = (BatchUpdateException) fails(12899, s::executeBatch);
                same(error.getUpdateCounts(), new int[] {1, 1});
            }
            same(first(rows(c, "select v from " + name + " order by v")), List.of("a", "b"));
        });
        CHECKS.put("array_dml_row_counts", c -> {
            String name = table(c, "id number");
            run(c, "insert into " + name + " select case level when 3 then 2 else level end from dual connect by level <= 3");
            run(c, "insert into " + name + " values (3)");
            try (PreparedStatement s = c.prepareStatement("delete from " + name + " where id = ?")) {
                for (int i : new int[] {2, 9, 3}) {
                    s.setInt(1, i);
                    s.addBatch();
                }
                same(s.executeBatch(), new int[] {2, 0, 1});
            }
        });
        CHECKS.put("returning_one_row", c -> {
            String name = table(c, "id number generated always as identity, v varchar2(10)");
            String sql = "insert into " + name + " (v) values (?) returning id, v into ?, ?";
            try (PreparedStatement plain = c.prepareStatement(sql)) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                s.registerReturnParameter(2, OracleTypes.NUMBER);
                s.registerReturnParameter(3, OracleTypes.VARCHAR, 20);
                for (long due : new long[] {1, 2}) {
                    s.setString(1, "x");
                    same(s.executeUpdate(), 1);
                    same(rows(s.getReturnResultSet()), List.of(List.of(due, "x")));
                }
            }
        });
        CHECKS.put("generated_rowid", c -> {
            String name = table(c, "v number");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?)", Statement.RETURN_GENERATED_KEYS)) {
                s.setInt(1, 7);
                s.executeUpdate();
                ResultSet keys = s.getGeneratedKeys();
                holds(keys.next(), "no ROWID");
                same(value(c, "select v from " + name + " where rowid = ?", keys.getString(1)), 7L);
            }
        });
        CHECKS.put("generated_keys", c -> {
            String name = table(c, "id number generated always as identity, v varchar2(10)");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " (v) values (?)", new String[] {"ID", "V"})) {
                s.setString(1, "x");
                s.executeUpdate();
                same(rows(s.getGeneratedKeys()), List.of(List.of(1L, "x")));
            }
        });
        CHECKS.put("returning_several_rows", c -> {
            String name = table(c, "id number, v varchar2(10)");
            run(c, "insert into " + name + " select level, 'x' from dual connect by level <= 3");
            String sql = "update " + name + " set v = 'y' || id where id > ? returning id, v into ?, ?";
            try (PreparedStatement plain = c.prepareStatement(sql)) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                s.registerReturnParameter(2, OracleTypes.NUMBER);
                s.registerReturnParameter(3, OracleTypes.VARCHAR, 20);
                s.setInt(1, 1);
                same(s.executeUpdate(), 2);
                same(rows(s.getReturnResultSet()), List.of(List.of(2L, "y2"), List.of(3L, "y3")));
                s.setInt(1, 9);
                same(s.executeUpdate(), 0);
                same(rows(s.getReturnResultSet()), List.of());
            }
        });
        CHECKS.put("returning_of_array_dml", c -> {
            String name = table(c, "id number, v varchar2(10)");
            String sql = "insert into " + name + " values (?, ?) returning id * 10 into ?";
            try (PreparedStatement plain = c.prepareStatement(sql)) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                s.registerReturnParameter(3, OracleTypes.NUMBER);
                for (int i : new int[] {1, 2}) {
                    s.setInt(1, i);
                    s.setString(2, "x");
                    s.addBatch();
                }
                same(s.executeBatch(), new int[] {1, 1});
                same(first(rows(s.getReturnResultSet())), List.of(10L, 20L));
            }
        });
    }

    // ---------------------------------------------------------------- LOBs
    static void lobs() {
        CHECKS.put("clob_of_2_megabytes", c -> {
            String name = table(c, "v clob");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?)")) {
                s.setCharacterStream(1, new StringReader(LONG), LONG.length());
                s.executeUpdate();
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select v from " + name)) {
                r.next();
                Clob lob = r.getClob(1);
                same(lob.length(), (long) LONG.length());
                StringWriter found = new StringWriter();
                lob.getCharacterStream().transferTo(found);
                holds(found.toString().equals(LONG), "another value");
            }
        });
        CHECKS.put("blob_of_2_megabytes", c -> {
            String name = table(c, "v blob");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?)")) {
                s.setBinaryStream(1, new ByteArrayInputStream(LONG_BYTES), LONG_BYTES.length);
                s.executeUpdate();
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select v from " + name)) {
                r.next();
                holds(Arrays.equals(r.getBlob(1).getBinaryStream().readAllBytes(), LONG_BYTES), "another value");
                holds(Arrays.equals(r.getBytes(1), LONG_BYTES), "another value");
            }
        });
        CHECKS.put("lob_in_pieces", c -> {
            String name = table(c, "v clob");
            run(c, "insert into " + name + " values (?)", "0123456789".repeat(100));
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select v from " + name)) {
                r.next();
                Clob lob = r.getClob(1);
                StringBuilder found = new StringBuilder();
                for (int at = 1; at <= 1000; at += 37) found.append(lob.getSubString(at, 37));
                same(found.toString(), "0123456789".repeat(100));
            }
        });
        CHECKS.put("lob_temporary", c -> {
            String name = table(c, "v clob");
            Clob lob = c.createClob();
            lob.setString(1, "first, ");
            lob.setString(8, "then é");
            try (PreparedStatement s = c.prepareStatement("insert into " + name + " values (?)")) {
                s.setClob(1, lob);
                s.executeUpdate();
            }
            lob.free();
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select v from " + name)) {
                r.next();
                same(r.getClob(1).getSubString(1, 100), "first, then é");
            }
        });
        CHECKS.put("lob_locator_read_later", c -> {
            String name = table(c, "id number, v clob");
            for (int i = 1; i <= 3; i++) run(c, "insert into " + name + " values (?, ?)", i, "number " + i);
            List<Object> lobs = first(rows(c, "select v from " + name + " order by id"));
            List<String> found = new ArrayList<>();
            for (Object lob : lobs) found.add(((Clob) lob).getSubString(1, 100));
            same(found, List.of("number 1", "number 2", "number 3"));
        });
    }

    // ---------------------------------------------------------------- fetching
    static void fetching() {
        CHECKS.put("fetch_10000_rows", c -> {
            String name = table(c, "id number, v varchar2(40), d date, f binary_double");
            Timestamp day = at("2024-03-01 01:02:03");
            try (PreparedStatement plain = c.prepareStatement("insert into " + name + " values (?, ?, ?, ?)")) {
                OraclePreparedStatement s = plain.unwrap(OraclePreparedStatement.class);
                for (int i = 0; i < 10_000; i++) {
                    s.setInt(1, i);
                    s.setString(2, "row number " + i);
                    s.setTimestamp(3, day);
                    s.setBinaryDouble(4, i / 8.0);
                    s.addBatch();
                }
                same(s.executeBatch().length, 10_000);
            }
            for (int size : new int[] {100, 1000}) {
                try (Statement s = c.createStatement()) {
                    s.setFetchSize(size);
                    ResultSet r = s.executeQuery("select * from " + name + " order by id");
                    for (int i = 0; i < 10_000; i++) {
                        holds(r.next(), "a row is missing");
                        same(List.of(r.getInt(1), r.getString(2), r.getTimestamp(3), r.getDouble(4)),
                                List.of(i, "row number " + i, day, i / 8.0));
                    }
                    holds(!r.next(), "a row too many");
                }
            }
        });
        CHECKS.put("fetch_in_pieces", c -> {
            try (Statement s = c.createStatement()) {
                s.setFetchSize(7);
                ResultSet r = s.executeQuery("select level as n from dual connect by level <= 1000");
                int sum = 0;
                while (r.next()) sum += r.getInt("n");
                same(sum, 500_500);
            }
        });
        CHECKS.put("fetch_wide_rows", c -> {
            String columns = IntStream.range(0, 200).mapToObj(i -> "rpad('" + i + "', 1000, 'x') as c" + i).collect(Collectors.joining(", "));
            List<List<Object>> found = rows(c, "select " + columns + " from dual connect by level <= 5");
            same(found.size(), 5);
            same(found.get(4).get(199), "199" + "x".repeat(997));
        });
        CHECKS.put("two_cursors_at_once", c -> {
            String sql = "select level from dual connect by level <= 50";
            try (Statement one = c.createStatement(); Statement other = c.createStatement()) {
                one.setFetchSize(5);
                other.setFetchSize(5);
                ResultSet left = one.executeQuery(sql);
                ResultSet right = other.executeQuery(sql);
                for (int i = 1; i <= 50; i++) {
                    holds(left.next() && right.next(), "a row is missing");
                    same(List.of(left.getInt(1), right.getInt(1)), List.of(i, i));
                }
            }
        });
        CHECKS.put("cursor_closed_half_read", c -> {
            String sql = "select level from dual connect by level <= 5000";
            for (int i = 0; i < 3; i++) {
                try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
                    for (int n = 1; n <= 25; n++) holds(r.next(), "a row is missing");
                }
            }
            same(rows(c, sql).size(), 5000);
        });
        CHECKS.put("statement_cache", c -> {
            OracleConnection cached = c.unwrap(OracleConnection.class);
            cached.setImplicitCachingEnabled(true);
            cached.setStatementCacheSize(20);
            for (int i = 0; i < 100; i++) same(value(c, "select ? + 1 from dual", i), i + 1L);
            cached.setImplicitCachingEnabled(false);
            for (int i = 0; i < 5; i++) same(value(c, "select ? + 1 from dual", i), i + 1L);
        });
        CHECKS.put("statement_cache_after_alter", c -> {
            OracleConnection cached = c.unwrap(OracleConnection.class);
            cached.setImplicitCachingEnabled(true);
            cached.setStatementCacheSize(20);
            String name = table(c, "a number");
            run(c, "insert into " + name + " values (1)");
            same(rows(c, "select * from " + name), List.of(List.of(1L)));
            run(c, "alter table " + name + " add (b varchar2(10) default 'x')");
            same(rows(c, "select a, b from " + name), List.of(List.of(1L, "x")));
        });
        CHECKS.put("many_statements", c -> {
            for (int i = 0; i < 400; i++) same(value(c, "select " + i + " as c" + i + " from dual"), (long) i);
        });
    }

    // ---------------------------------------------------------------- transactions
    static void transactions() {
        CHECKS.put("commit", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            c.commit();
            try (Connection other = connect()) {
                same(value(other, "select count(*) from " + name), 1L);
            }
        });
        CHECKS.put("rollback", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            c.rollback();
            same(value(c, "select count(*) from " + name), 0L);
        });
        CHECKS.put("autocommit", c -> {
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            try (Connection other = connect()) {
                same(value(other, "select count(*) from " + name), 1L);
            }
        });
        CHECKS.put("isolation", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            try (Connection other = connect()) {
                run(c, "insert into " + name + " values (1)");
                same(value(other, "select count(*) from " + name), 0L);
                c.commit();
                same(value(other, "select count(*) from " + name), 1L);
            }
        });
        CHECKS.put("savepoint", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            Savepoint here = c.setSavepoint("here");
            run(c, "insert into " + name + " values (2)");
            c.rollback(here);
            c.commit();
            same(rows(c, "select v from " + name), List.of(List.of(1L)));
        });
        CHECKS.put("row_locked", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            c.commit();
            rows(c, "select v from " + name + " for update");
            try (Connection other = connect()) {
                fails(54, () -> rows(other, "select v from " + name + " for update nowait"));
            }
            c.rollback();
        });
        CHECKS.put("two_phase_commit", c -> {
            String name = table(c, "v number");
            oracle.jdbc.xa.client.OracleXADataSource source = new oracle.jdbc.xa.client.OracleXADataSource();
            source.setURL(url());
            source.setUser(of("user"));
            source.setPassword(of("password"));
            XAConnection xa = source.getXAConnection();
            try {
                Xid xid = new oracle.jdbc.xa.OracleXid(1, "global".getBytes(), "branch".getBytes());
                XAResource resource = xa.getXAResource();
                resource.start(xid, XAResource.TMNOFLAGS);
                run(xa.getConnection(), "insert into " + name + " values (1)");
                resource.end(xid, XAResource.TMSUCCESS);
                same(resource.prepare(xid), XAResource.XA_OK);
                resource.commit(xid, false);
                same(value(c, "select v from " + name), 1L);
            } catch (XAException error) {
                throw error.getCause() instanceof SQLException cause ? cause : error;
            } finally {
                xa.close();
            }
        });
    }

    // ---------------------------------------------------------------- errors
    static void errors() {
        CHECKS.put("error_code", c -> {
            fails(942, () -> rows(c, "select * from nosuch"));
            fails(904, () -> rows(c, "select nosuch from dual"));
            fails(1476, () -> rows(c, "select 1 / 0 from dual"));
        });
        CHECKS.put("error_position", c -> {
            SQLException error = fails(904, () -> rows(c, "select nosuch from dual"));
            same(((oracle.jdbc.OracleDatabaseException) error.getCause()).getErrorPosition(), 7);
        });
        CHECKS.put("error_then_goes_on", c -> {
            c.setAutoCommit(false);
            String name = table(c, "v number");
            run(c, "insert into " + name + " values (1)");
            fails(1722, () -> run(c, "insert into " + name + " values ('x')"));
            run(c, "insert into " + name + " values (2)");
            c.commit();
            same(value(c, "select count(*) from " + name), 2L);
        });
        CHECKS.put("unique_violation", c -> {
            String name = table(c, "v number constraint only_once primary key");
            run(c, "insert into " + name + " values (1)");
            SQLException error = fails(1, () -> run(c, "insert into " + name + " values (1)"));
            holds(error instanceof SQLIntegrityConstraintViolationException && error.getMessage().contains("ONLY_ONCE"), error);
        });
        CHECKS.put("value_too_large", c -> {
            String name = table(c, "v varchar2(3), n number(3)");
            fails(12899, () -> run(c, "insert into " + name + " values ('four', 1)"));
            fails(1438, () -> run(c, "insert into " + name + " values ('x', 1000)"));
        });
    }

    // ---------------------------------------------------------------- calls and sessions
    static void calls() {
        CHECKS.put("ping", c -> {
            same(c.unwrap(OracleConnection.class).pingDatabase(), OracleConnection.DATABASE_OK);
            holds(c.isValid(5), "not valid");
        });
        CHECKS.put("call_timeout", c -> {
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                ask("delay", "8");
                fails(1013, () -> s.executeQuery("select 1 from dual"));
                ask("delay", "0");
            }
            same(value(c, "select 2 from dual"), 2L);
        });
        CHECKS.put("break", c -> {
            ask("delay", "10");
            ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
            try (Statement s = c.createStatement()) {
                Future<?> cancelled = later.schedule(() -> {
                    s.cancel();
                    return null;
                }, 300, TimeUnit.MILLISECONDS);
                fails(1013, () -> s.executeQuery("select 1 from dual"));
                cancelled.get();
            } finally {
                later.shutdown();
            }
            ask("delay", "0");
            same(value(c, "select 2 from dual"), 2L);
        });
        CHECKS.put("session_ended", c -> {
            ask("end_sessions", "\"rst\"");
            SQLException error = fails(0, () -> rows(c, "select 1 from dual"));
            holds(error instanceof SQLRecoverableException, error);
            holds(!c.isValid(5), "valid");
        });
        CHECKS.put("session_killed", c -> {
            ask("fail_next", "28");
            fails(28, () -> rows(c, "select 1 from dual"));
            try (Connection other = connect()) {
                same(value(other, "select 1 from dual"), 1L);
            }
        });
        CHECKS.put("scrollable_cursor", c -> { // by the driver's own memory
            try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
                    ResultSet r = s.executeQuery("select level from dual connect by level <= 50")) {
                holds(r.last(), "no last row");
                same(r.getInt(1), 50);
                holds(r.absolute(10), "no row 10");
                same(r.getInt(1), 10);
            }
        });
    }

    // ---------------------------------------------------------------- pools
    static PoolDataSource makePool(int least, int most) throws SQLException {
        PoolDataSource made = PoolDataSourceFactory.getPoolDataSource();
        made.setConnectionFactoryClassName("oracle.jdbc.pool.OracleDataSource");
        made.setURL(url());
        made.setUser(of("user"));
        made.setPassword(of("password"));
        made.setInitialPoolSize(least);
        made.setMinPoolSize(least);
        made.setMaxPoolSize(most);
        made.setConnectionWaitTimeout(2);
        return made;
    }

    static void drop(PoolDataSource source) throws Exception {
        var manager = oracle.ucp.admin.UniversalConnectionPoolManagerImpl.getUniversalConnectionPoolManager();
        if (source.getConnectionPoolName() != null) manager.destroyConnectionPool(source.getConnectionPoolName());
    }

    static void pools() {
        CHECKS.put("pool", c -> {
            PoolDataSource source = makePool(1, 2);
            for (int i = 0; i < 3; i++) {
                try (Connection each = source.getConnection()) {
                    same(value(each, "select ? from dual", i), (long) i);
                }
            }
            same(List.of(source.getBorrowedConnectionsCount(), source.getAvailableConnectionsCount()), List.of(0, 1));
            drop(source);
        });
        CHECKS.put("pool_concurrency", c -> {
            PoolDataSource source = makePool(0, 4);
            source.setConnectionWaitTimeout(20);
            ExecutorService threads = Executors.newFixedThreadPool(8);
            CyclicBarrier together = new CyclicBarrier(4);
            List<Future<Object>> done = new ArrayList<>();
            for (int n = 0; n < 40; n++) {
                int i = n;
                done.add(threads.submit(() -> {
                    try (Connection each = source.getConnection()) {
                        if (i < 4) together.await(20, TimeUnit.SECONDS);
                        return value(each, "select to_number(?) * 2 from dual", i);
                    }
                }));
            }
            for (int i = 0; i < 40; i++) same(done.get(i).get(), 2L * i);
            threads.shutdown();
            same(source.getAvailableConnectionsCount(), 4);
            drop(source);
        });
        CHECKS.put("pool_full", c -> {
            PoolDataSource source = makePool(1, 1);
            source.setConnectionWaitTimeout(1);
            try (Connection only = source.getConnection()) {
                fails(0, source::getConnection);
            }
            source.getConnection().close();
            drop(source);
        });
        CHECKS.put("pool_ping", c -> {
            PoolDataSource source = makePool(1, 1);
            source.setValidateConnectionOnBorrow(true);
            source.getConnection().close();
            int before = pings();
            source.getConnection().close();
            same(pings() - before, 1);
            drop(source);
        });
        CHECKS.put("pool_replaces_a_dead_session", c -> {
            PoolDataSource source = makePool(1, 2);
            source.setValidateConnectionOnBorrow(true);
            for (String how : new String[] {"fin", "rst"}) {
                source.getConnection().close();
                ask("end_sessions", "\"" + how + "\"");
                try (Connection each = source.getConnection()) {
                    same(value(each, "select 1 from dual"), 1L);
                }
            }
            drop(source);
        });
        CHECKS.put("pool_drain", c -> {
            PoolDataSource source = makePool(2, 2);
            source.getConnection().close();
            String name = source.getConnectionPoolName();
            var manager = oracle.ucp.admin.UniversalConnectionPoolManagerImpl.getUniversalConnectionPoolManager();
            manager.stopConnectionPool(name);
            fails(0, source::getConnection);
            manager.destroyConnectionPool(name);
        });
    }
}
