// Sessions from their log-ons to their ends, transactions, errors, and pools.
"use strict";

const { assert, oracledb, task, ask, connect, using, value, fails, table } = require("./client");

const makePool = (options) =>
  oracledb.createPool({ user: task.user, password: task.password, connectString: task.dsn, ...options });
const pooled = async (options, work) => {
  const pool = await makePool(options);
  try {
    await work(pool);
  } finally {
    await pool.close(0);
  }
};

module.exports = {
  // ---------------------------------------------------------------- log-ons
  async connect(c) {
    assert.equal(await value(c, "select 'x' from dual"), "x");
    assert.equal(c.thin, true);
  },
  async connect_with_descriptor() {
    const connectString =
      `(DESCRIPTION=(RETRY_COUNT=1)(ADDRESS=(PROTOCOL=TCP)(HOST=${task.host})(PORT=${task.port}))` +
      `(CONNECT_DATA=(SERVICE_NAME=${task.service})))`;
    await using({ connectString }, async (c) => assert.equal(await value(c, "select 1 from dual"), 1));
  },
  async connect_with_sid() {
    const connectString =
      `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=${task.host})(PORT=${task.port}))(CONNECT_DATA=(SID=${task.service})))`;
    await using({ connectString }, async (c) => assert.equal(await value(c, "select 1 from dual"), 1));
  },
  wrong_password: () => fails(connect({ password: "wrong" }), /ORA-01017/),
  unknown_service: () => fails(connect({ connectString: `${task.host}:${task.port}/nosuch` }), /NJS-518|ORA-12514/),
  no_listener: () => fails(connect({ connectString: `${task.host}:1/${task.service}` }), /NJS-503|ECONNREFUSED/),
  async server_version(c) {
    assert.match(c.oracleServerVersionString, /^19\./);
    assert.equal(await value(c, "select count(*) from v$version"), 1);
  },
  async session_attributes(c) {
    Object.assign(c, { module: "checks", action: "attributes", clientId: "me", clientInfo: "node" });
    const sql = "select module, action, client_identifier, client_info from v$session where client_identifier = 'me'";
    assert.deepEqual((await c.execute(sql)).rows, [["checks", "attributes", "me", "node"]]);
    assert.equal(await value(c, "select sys_context('userenv', 'session_user') from dual"), task.user.toUpperCase());
  },
  // ---------------------------------------------------------------- transactions
  async commit(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`);
    assert.equal(c.transactionInProgress, true);
    await c.commit();
    assert.equal(c.transactionInProgress, false);
    await using({}, async (other) => assert.equal(await value(other, `select count(*) from ${name}`), 1));
  },
  async rollback(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`);
    await c.rollback();
    assert.equal(await value(c, `select count(*) from ${name}`), 0);
    await using({}, (other) => other.execute(`insert into ${name} values (1)`)); // closed without a commit
    assert.equal(await value(c, `select count(*) from ${name}`), 0);
  },
  async autocommit(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`, [], { autoCommit: true });
    await c.rollback();
    assert.equal(await value(c, `select count(*) from ${name}`), 1);
  },
  async isolation(c) {
    const name = await table(c, "v number");
    await using({}, async (other) => {
      await c.execute(`insert into ${name} values (1)`);
      assert.equal(await value(other, `select count(*) from ${name}`), 0);
      await c.commit();
      assert.equal(await value(other, `select count(*) from ${name}`), 1);
    });
  },
  async savepoint(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`);
    await c.execute("savepoint here");
    await c.execute(`insert into ${name} values (2)`);
    await c.execute("rollback to savepoint here");
    await c.commit();
    assert.deepEqual((await c.execute(`select v from ${name}`)).rows, [[1]]);
  },
  async row_locked(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`);
    await c.commit();
    await c.execute(`select v from ${name} for update`);
    await using({}, (other) => fails(other.execute(`select v from ${name} for update nowait`), /ORA-00054/));
    await c.rollback();
  },
  // ---------------------------------------------------------------- errors
  async error_code(c) {
    for (const [sql, code] of [["select * from nosuch", 942], ["select nosuch from dual", 904], ["select 1 / 0 from dual", 1476]]) {
      await assert.rejects(c.execute(sql), (error) => error.errorNum === code);
    }
  },
  async error_position(c) {
    await assert.rejects(c.execute("select nosuch from dual"), (error) => error.offset === 7);
  },
  async error_then_goes_on(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (1)`);
    await fails(c.execute(`insert into ${name} values ('x')`), /ORA-01722/);
    await c.execute(`insert into ${name} values (2)`);
    await c.commit();
    assert.equal(await value(c, `select count(*) from ${name}`), 2);
  },
  async unique_violation(c) {
    const name = await table(c, "v number constraint only_once primary key");
    await c.execute(`insert into ${name} values (1)`);
    await fails(c.execute(`insert into ${name} values (1)`), /ORA-00001: .*ONLY_ONCE/);
  },
  async value_too_large(c) {
    const name = await table(c, "v varchar2(3), n number(3)");
    await fails(c.execute(`insert into ${name} values ('four', 1)`), /ORA-12899/);
    await fails(c.execute(`insert into ${name} values ('x', 1000)`), /ORA-01438/);
  },
  // ---------------------------------------------------------------- calls and sessions
  async ping(c) {
    await c.ping();
    assert.equal(c.isHealthy(), true);
  },
  async call_timeout(c) {
    c.callTimeout = 300;
    await ask("delay", 3);
    await fails(c.execute("select 1 from dual"), /NJS-123|DPI-1067/);
    await ask("delay", 0);
    c.callTimeout = 0;
    assert.equal(await value(c, "select 2 from dual"), 2);
  },
  async break(c) {
    await ask("delay", 10);
    const done = fails(c.execute("select 1 from dual"), /ORA-01013/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await c.break();
    await done;
    await ask("delay", 0);
    assert.equal(await value(c, "select 2 from dual"), 2);
  },
  async session_ended(c) {
    await ask("end_sessions", "rst");
    await fails(c.execute("select 1 from dual"), /NJS-500|NJS-501|NJS-503|NJS-521/);
    assert.equal(c.isHealthy(), false);
  },
  async session_killed(c) {
    await ask("fail_next", 28);
    await fails(c.execute("select 1 from dual"), /ORA-00028|NJS-500/);
    await using({}, async (other) => assert.equal(await value(other, "select 1 from dual"), 1));
  },
  // ---------------------------------------------------------------- pools
  pool: () =>
    pooled({ poolMin: 1, poolMax: 2 }, async (pool) => {
      for (let i = 0; i < 3; i++) {
        const c = await pool.getConnection();
        assert.equal(await value(c, "select :1 from dual", [i]), i);
        await c.close();
      }
      assert.deepEqual([pool.connectionsInUse, pool.connectionsOpen], [0, 1]);
    }),
  pool_concurrency: () =>
    pooled({ poolMin: 0, poolMax: 4, poolIncrement: 1 }, async (pool) => {
      const work = async (i) => {
        const c = await pool.getConnection();
        try {
          return await value(c, "select to_number(:1) * 2 from dual", [i]);
        } finally {
          await c.close();
        }
      };
      const results = await Promise.all(Array.from({ length: 40 }, (_, i) => work(i)));
      assert.deepEqual(results, Array.from({ length: 40 }, (_, i) => 2 * i));
      assert.ok(pool.connectionsOpen <= 4 && pool.connectionsOpen > 1);
    }),
  pool_full: () =>
    pooled({ poolMin: 0, poolMax: 1, queueTimeout: 200 }, async (pool) => {
      const c = await pool.getConnection();
      await fails(pool.getConnection(), /NJS-040/);
      await c.close();
      await (await pool.getConnection()).close();
    }),
  pool_ping: () =>
    pooled({ poolMin: 1, poolMax: 1, poolPingInterval: 0 }, async (pool) => {
      await (await pool.getConnection()).close();
      const before = await ask("round_trips");
      await (await pool.getConnection()).close();
      const after = await ask("round_trips");
      assert.equal(after.ping - (before.ping ?? 0), 1);
    }),
  pool_replaces_a_dead_session: () =>
    pooled({ poolMin: 1, poolMax: 2, poolPingInterval: 0 }, async (pool) => {
      for (const how of ["fin", "rst"]) {
        await (await pool.getConnection()).close();
        await ask("end_sessions", how);
        const c = await pool.getConnection();
        assert.equal(await value(c, "select 1 from dual"), 1);
        await c.close();
      }
    }),
  async pool_drain() {
    const pool = await makePool({ poolMin: 2, poolMax: 2 });
    const c = await pool.getConnection();
    await fails(pool.close(), /NJS-104/);
    await c.close();
    await pool.close(5);
    await fails(pool.getConnection(), /NJS-065|NJS-064/);
  },
};
