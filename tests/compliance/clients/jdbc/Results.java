// LOBs, and the fetching of rows.

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import oracle.jdbc.OracleConnection;
import oracle.jdbc.OraclePreparedStatement;

class Results extends Client {
    static void add() {
        lobs();
        fetching();
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
}
