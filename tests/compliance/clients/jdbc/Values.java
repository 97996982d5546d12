// Values of all types, there and back.

import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import oracle.jdbc.OracleConnection;
import oracle.jdbc.OracleTypes;
import oracle.sql.INTERVALDS;
import oracle.sql.INTERVALYM;

class Values extends Client {
    static void add() {
        types();
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
}
