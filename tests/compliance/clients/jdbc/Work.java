// Transactions and pools.

import java.sql.*;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.*;
import javax.sql.XAConnection;
import javax.transaction.xa.XAException;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import oracle.ucp.jdbc.PoolDataSource;
import oracle.ucp.jdbc.PoolDataSourceFactory;

class Work extends Client {
    static void add() {
        transactions();
        pools();
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
