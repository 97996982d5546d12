// Sessions from their log-ons to their ends, and errors.

import java.sql.*;
import java.util.List;
import java.util.concurrent.*;
import oracle.jdbc.OracleConnection;

class Sessions extends Client {
    static void add() {
        logOns();
        errors();
        calls();
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
}
