// LOBs, and the fetching of rows.
"use strict";

const { assert, oracledb, connect, using, value, table, LONG, LONG_BYTES } = require("./client");

module.exports = {
  // ---------------------------------------------------------------- LOBs
  async clob_of_2_megabytes(c) {
    const name = await table(c, "v clob");
    await c.execute(`insert into ${name} values (:v)`, { v: { val: LONG, type: oracledb.CLOB } });
    const lob = await value(c, `select v from ${name}`);
    assert.equal(lob.length, LONG.length);
    lob.setEncoding("utf8");
    let found = "";
    for await (const piece of lob) found += piece;
    assert.ok(found === LONG);
  },
  async blob_of_2_megabytes(c) {
    const name = await table(c, "v blob");
    await c.execute(`insert into ${name} values (:v)`, { v: { val: LONG_BYTES, type: oracledb.BLOB } });
    const lob = await value(c, `select v from ${name}`);
    const pieces = [];
    for await (const piece of lob) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(LONG_BYTES));
    assert.ok((await value(c, `select v from ${name}`, [], { fetchInfo: { V: { type: oracledb.BUFFER } } })).equals(LONG_BYTES));
  },
  async lob_in_pieces(c) {
    const name = await table(c, "v clob");
    await c.execute(`insert into ${name} values (:v)`, ["0123456789".repeat(100)]);
    const lob = await value(c, `select v from ${name}`);
    lob.pieceSize = 37;
    lob.setEncoding("utf8");
    let found = "";
    for await (const piece of lob) found += piece;
    assert.equal(found, "0123456789".repeat(100));
  },
  async lob_temporary(c) {
    const name = await table(c, "v clob");
    const lob = await c.createLob(oracledb.CLOB);
    await new Promise((resolve, reject) => {
      lob.on("finish", resolve).on("error", reject);
      lob.write("first, ");
      lob.end("then é");
    });
    await c.execute(`insert into ${name} values (:v)`, { v: lob });
    await lob.destroy();
    assert.equal(await (await value(c, `select v from ${name}`)).getData(), "first, then é");
  },
  async lob_locator_read_later(c) {
    const name = await table(c, "id number, v clob");
    for (const id of [1, 2, 3]) await c.execute(`insert into ${name} values (:1, :2)`, [id, `number ${id}`]);
    const { rows } = await c.execute(`select v from ${name} order by id`);
    await c.execute(`delete from ${name}`);
    assert.deepEqual(await Promise.all(rows.map(([lob]) => lob.getData())), ["number 1", "number 2", "number 3"]);
  },
  // ---------------------------------------------------------------- fetching
  async fetch_10000_rows(c) {
    const name = await table(c, "id number, v varchar2(40), d date, f binary_double");
    const rows = Array.from({ length: 10_000 }, (_, i) => [i, `row number ${i}`, new Date(2024, 0, 1 + (i % 365)), i / 8]);
    await c.executeMany(`insert into ${name} values (:1, :2, :3, :4)`, rows);
    for (const fetchArraySize of [100, 1000]) {
      const found = await c.execute(`select * from ${name} order by id`, [], { fetchArraySize });
      assert.deepEqual(found.rows, rows);
    }
  },
  async fetch_in_pieces(c) {
    const sql = "select level as n from dual connect by level <= 1000";
    const { resultSet } = await c.execute(sql, [], { resultSet: true, prefetchRows: 3, fetchArraySize: 7 });
    let sum = 0;
    for await (const [n] of resultSet) sum += n;
    await resultSet.close();
    assert.equal(sum, 500_500);
    const stream = c.queryStream(sql);
    let count = 0;
    for await (const _row of stream) count += 1;
    assert.equal(count, 1000);
  },
  async fetch_wide_rows(c) {
    const columns = Array.from({ length: 200 }, (_, i) => `rpad('${i}', 1000, 'x') as c${i}`);
    const { rows } = await c.execute(`select ${columns.join(", ")} from dual connect by level <= 5`);
    assert.deepEqual(rows.map((row) => row.length), [200, 200, 200, 200, 200]);
    assert.equal(rows[4][199], "199".padEnd(1000, "x"));
  },
  async two_cursors_at_once(c) {
    const open = () => c.execute("select level from dual connect by level <= 50", [], { resultSet: true, fetchArraySize: 5 });
    const [one, other] = [(await open()).resultSet, (await open()).resultSet];
    for (let n = 1; n <= 50; n++) {
      assert.deepEqual([(await one.getRow())[0], (await other.getRow())[0]], [n, n]);
    }
    await one.close();
    await other.close();
  },
  async cursor_closed_half_read(c) {
    const sql = "select level from dual connect by level <= 5000";
    for (let i = 0; i < 3; i++) {
      const { resultSet } = await c.execute(sql, [], { resultSet: true, fetchArraySize: 10 });
      assert.equal((await resultSet.getRows(25)).length, 25);
      await resultSet.close();
    }
    assert.equal((await c.execute(sql)).rows.length, 5000);
  },
  async statement_cache(c) {
    for (let i = 0; i < 100; i++) {
      assert.equal(await value(c, "select :v + 1 from dual", [i]), i + 1);
    }
    await using({ stmtCacheSize: 0 }, async (other) => {
      for (let i = 0; i < 5; i++) assert.equal(await value(other, "select :v + 1 from dual", [i]), i + 1);
    });
  },
  async statement_cache_after_alter(c) {
    const name = await table(c, "a number");
    await c.execute(`insert into ${name} values (1)`);
    const sql = `select * from ${name}`;
    assert.deepEqual((await c.execute(sql)).rows, [[1]]);
    await c.execute(`alter table ${name} add (b varchar2(10) default 'x')`);
    const found = await c.execute(sql);
    assert.deepEqual(found.rows, [[1, "x"]]);
    assert.deepEqual(found.metaData.map((column) => column.name), ["A", "B"]);
  },
  async many_statements(c) {
    for (let i = 0; i < 400; i++) {
      assert.equal(await value(c, `select ${i} as c${i} from dual`), i);
    }
  },
};
