// Binds, and statements that change rows.

import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import oracle.jdbc.OraclePreparedStatement;
import oracle.jdbc.OracleTypes;

class Statements extends Client {
    static void add() {
        binds();
        dml();
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
}
