// The checks with node-oracledb in thin mode. It is given its task as a line of JSON, and tells what came of each check
// as a line of JSON too; a line with "do" asks the runner for a fault, and waits for its answer.
"use strict";

const assert = require("assert/strict");
const readline = require("readline");
const oracledb = require(process.argv[2]);

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const next = async () => JSON.parse((await lines.next()).value);
const ask = async (name, ...given) => {
  tell({ do: name, with: given });
  return next();
};

let task;
const connect = (changes = {}) =>
  oracledb.getConnection({ user: task.user, password: task.password, connectString: task.dsn, ...changes });
const using = async (changes, work) => {
  const connection = await connect(changes);
  try {
    return await work(connection);
  } finally {
    await connection.close().catch(() => {});
  }
};
const value = async (c, sql, binds = [], options = {}) => (await c.execute(sql, binds, options)).rows[0][0];
const fails = (promise, pattern) => assert.rejects(promise, (error) => (assert.match(error.message, pattern), true));
let tables = 0;
const table = async (c, columns) => {
  const name = `t${++tables}`;
  await c.execute(`create table ${name} (${columns})`);
  return name;
};

// Write each value and a NULL, and read them back: as they were, or as `read` has them.
async function thereAndBack(c, type, column, values, { read = values, fetch, like = (v) => v } = {}) {
  const name = await table(c, `id number, v ${column}`);
  const rows = [...values, null];
  for (const [id, each] of rows.entries()) {
    await c.execute(`insert into ${name} values (:id, :v)`, { id, v: { val: each, type } });
  }
  const options = fetch ? { fetchInfo: { V: { type: fetch } } } : {};
  const found = (await c.execute(`select v as v from ${name} order by id`, [], options)).rows.map((row) => row[0]);
  assert.deepEqual(found.map((v) => (v === null ? null : like(v))), [...read, null]);
}

const LONG = "Zürich 漢字 ".repeat(200_000);
const LONG_BYTES = Buffer.alloc(2_000_003, (() => Buffer.from(Array.from({ length: 251 }, (_, i) => i)))());
const utc = (...given) => new Date(Date.UTC(...given));

const checks = {
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

  // ---------------------------------------------------------------- types
  number: (c) => thereAndBack(c, oracledb.DB_TYPE_NUMBER, "number", [0, 1, -1, 0.5, -12345.678, 123456789012345, 1e20]),
  async number_of_38_digits(c) {
    const name = await table(c, "id number, v number(38)");
    const values = ["99999999999999999999999999999999999999", "-12345678901234567890123456789012345678"];
    for (const [id, v] of values.entries()) await c.execute(`insert into ${name} values (:id, :v)`, { id, v });
    const { rows } = await c.execute(`select v as v from ${name} order by id`, [], {
      fetchInfo: { V: { type: oracledb.STRING } },
    });
    assert.deepEqual(rows.map((row) => row[0]), values);
  },
  async number_bounds(c) {
    const sql = "select 1e125, -1e125, 1e-120, 0.1 + 0.2, 1 / 3 from dual";
    const { rows } = await c.execute(sql, [], { fetchTypeHandler: () => ({ type: oracledb.STRING }) });
    assert.deepEqual(rows[0].slice(0, 4).map(Number), [1e125, -1e125, 1e-120, 0.3]);
    assert.match(rows[0][4], /^0?\.3{38,40}$/);
  },
  float: (c) => thereAndBack(c, oracledb.DB_TYPE_NUMBER, "float", [1.5, -0.1, 123456.789]),
  binary_float: (c) => thereAndBack(c, oracledb.DB_TYPE_BINARY_FLOAT, "binary_float", [1.5, -0.25, 0, 2 ** 100]),
  binary_double: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_BINARY_DOUBLE, "binary_double", [0.1, -1e-300, 1.7976931348623157e308]),
  binary_nan_and_infinity: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_BINARY_DOUBLE, "binary_double", [NaN, Infinity, -Infinity]),
  char: (c) => thereAndBack(c, oracledb.DB_TYPE_CHAR, "char(5)", ["abc", "abcde"], { read: ["abc  ", "abcde"] }),
  varchar2: (c) => thereAndBack(c, oracledb.DB_TYPE_VARCHAR, "varchar2(50)", ["x", "Zürich", " y ", "it's"]),
  varchar2_beyond_the_bmp: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_VARCHAR, "varchar2(20 char)", ["😀", "a𝄞b", "漢字😀"]),
  nvarchar2: (c) => thereAndBack(c, oracledb.DB_TYPE_NVARCHAR, "nvarchar2(50)", ["x", "漢字", "😀é"]),
  nchar: (c) => thereAndBack(c, oracledb.DB_TYPE_NCHAR, "nchar(4)", ["é", "漢字漢字"], { read: ["é   ", "漢字漢字"] }),
  raw: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_RAW, "raw(300)", [Buffer.from([0, 255, 7]), Buffer.alloc(300, 1)], {
      like: (v) => Buffer.from(v),
    }),
  date: (c) => thereAndBack(c, oracledb.DB_TYPE_DATE, "date", [new Date(2024, 1, 29, 23, 59, 58)]),
  date_bounds: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_DATE, "date", [utc(1000, 0, 1), utc(9999, 11, 31, 23, 59, 59)]),
  timestamp: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_TIMESTAMP, "timestamp", [new Date(2024, 1, 29, 1, 2, 3, 456), new Date(0)]),
  async timestamp_with_nanoseconds(c) {
    const sql = "select to_char(cast(timestamp '2024-02-29 01:02:03.123456' as timestamp(9)), 'FF9') from dual";
    assert.equal(await value(c, sql), "123456000");
    const at = await value(c, "select timestamp '2024-02-29 01:02:03.123456' from dual");
    assert.equal(at.getMilliseconds(), 123);
  },
  timestamp_with_time_zone: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_TIMESTAMP_TZ, "timestamp with time zone", [utc(2024, 1, 29, 1, 2, 3, 456)]),
  timestamp_with_local_time_zone: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_TIMESTAMP_LTZ, "timestamp with local time zone", [utc(2024, 1, 29, 1, 2, 3, 456)]),
  interval_day_to_second: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_INTERVAL_DS, "interval day(9) to second(9)", [
      new oracledb.IntervalDS({ days: 11, hours: 10, minutes: 9, seconds: 8, fseconds: 555_000_000 }),
      new oracledb.IntervalDS({ days: -1, hours: -2, minutes: -3, seconds: -4, fseconds: 0 }),
    ]),
  interval_year_to_month: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_INTERVAL_YM, "interval year(4) to month", [
      new oracledb.IntervalYM({ years: 10, months: 9 }),
      new oracledb.IntervalYM({ years: -1, months: -2 }),
    ]),
  clob: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_VARCHAR, "clob", ["x", "Zürich 😀", "y".repeat(5000)], { fetch: oracledb.STRING }),
  nclob: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_NVARCHAR, "nclob", ["x", "漢字 😀"], { fetch: oracledb.STRING }),
  blob: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_RAW, "blob", [Buffer.from([0, 255]), Buffer.alloc(5000, 7)], {
      fetch: oracledb.BUFFER,
      like: (v) => Buffer.from(v),
    }),
  async rowid(c) {
    const name = await table(c, "v number");
    await c.execute(`insert into ${name} values (7)`);
    const row = await value(c, `select rowid from ${name}`);
    assert.match(row, /^[A-Za-z0-9+/]{18}$/);
    assert.equal(await value(c, `select v from ${name} where rowid = :r`, [row]), 7);
  },
  async last_rowid(c) {
    const name = await table(c, "v number");
    const { lastRowid } = await c.execute(`insert into ${name} values (8)`);
    assert.equal(await value(c, `select v from ${name} where rowid = :1`, [lastRowid]), 8);
  },
  async null(c) {
    assert.deepEqual((await c.execute("select null, cast(null as number), nvl(:v, 'none') from dual", [null])).rows, [
      [null, null, "none"],
    ]);
  },
  async empty_string(c) {
    const name = await table(c, "v varchar2(10)");
    await c.execute(`insert into ${name} values (:1)`, [""]);
    assert.equal(await value(c, `select count(*) from ${name} where v is null`), 1);
    assert.equal(await value(c, `select v from ${name}`), null);
  },
  async description(c) {
    const columns =
      "a number(9,2) not null, b varchar2(30), c date, d timestamp(3), e clob, f raw(16), g number, h char(3 char), i blob";
    const { metaData } = await c.execute(`select * from ${await table(c, columns)}`);
    const of = (number, ...names) => names.map((name) => metaData[number][name]);
    assert.deepEqual(metaData.map((column) => column.name), [..."ABCDEFGHI"]);
    assert.deepEqual(of(0, "dbTypeName", "precision", "scale", "nullable"), ["NUMBER", 9, 2, false]);
    assert.deepEqual(of(1, "dbTypeName", "byteSize", "nullable"), ["VARCHAR2", 30, true]);
    assert.deepEqual(of(2, "dbTypeName"), ["DATE"]);
    assert.deepEqual(of(3, "dbTypeName", "precision"), ["TIMESTAMP", 3]);
    assert.deepEqual(of(4, "dbTypeName"), ["CLOB"]);
    assert.deepEqual(of(5, "dbTypeName", "byteSize"), ["RAW", 16]);
    assert.deepEqual(of(6, "dbTypeName", "precision", "scale"), ["NUMBER", 0, -127]);
    assert.deepEqual(of(7, "dbTypeName"), ["CHAR"]);
    assert.deepEqual(of(8, "dbTypeName"), ["BLOB"]);
  },

  // ---------------------------------------------------------------- binds
  async binds_by_name(c) {
    const sql = "select :one || :two || :three from dual";
    assert.equal(await value(c, sql, { three: "c", one: "a", two: "b" }), "abc");
  },
  async binds_by_position(c) {
    assert.equal(await value(c, "select :1 || :2 || :3 from dual", ["a", "b", "c"]), "abc");
  },
  async bind_repeated(c) {
    assert.equal(await value(c, "select :v || :w || :v from dual", { v: "a", w: "b" }), "aba");
  },
  async bind_out(c) {
    const { outBinds } = await c.execute("begin :n := 6 * 7; :s := 'é' || :i; :d := null; end;", {
      n: { dir: oracledb.BIND_OUT, type: oracledb.NUMBER },
      s: { dir: oracledb.BIND_OUT, type: oracledb.STRING, maxSize: 100 },
      d: { dir: oracledb.BIND_OUT, type: oracledb.DATE },
      i: "in",
    });
    assert.deepEqual({ ...outBinds }, { n: 42, s: "éin", d: null });
  },
  async bind_in_out(c) {
    for (const val of [20, 30]) {
      const { outBinds } = await c.execute("begin :n := :n + 1; end;", {
        n: { dir: oracledb.BIND_INOUT, type: oracledb.NUMBER, val },
      });
      assert.equal(outBinds.n, val + 1);
    }
  },
  bind_of_4000_bytes: (c) =>
    thereAndBack(c, oracledb.DB_TYPE_VARCHAR, "varchar2(4000)", ["x".repeat(4000), "é".repeat(2000)]),
  async bind_of_32767_bytes(c) {
    const given = "é".repeat(16383);
    const { outBinds } = await c.execute("begin :o := :i; end;", {
      o: { dir: oracledb.BIND_OUT, type: oracledb.STRING, maxSize: 32767 },
      i: given,
    });
    assert.equal(outBinds.o, given);
  },
  async plsql_block(c) {
    const name = await table(c, "v number");
    await c.execute(`begin insert into ${name} values (:a); update ${name} set v = v + 1; commit; end;`, [1]);
    await c.rollback();
    assert.equal(await value(c, `select v from ${name}`), 2);
  },
  async ref_cursor(c) {
    const { outBinds } = await c.execute("begin open :c for select level as n from dual connect by level <= 250; end;", {
      c: { dir: oracledb.BIND_OUT, type: oracledb.CURSOR },
    });
    const rows = await outBinds.c.getRows();
    await outBinds.c.close();
    assert.deepEqual(rows.map((row) => row[0]), Array.from({ length: 250 }, (_, i) => i + 1));
  },
  async implicit_results(c) {
    const sql =
      "declare c sys_refcursor; begin open c for select 1 as n from dual; dbms_sql.return_result(c); end;";
    const { implicitResults } = await c.execute(sql);
    assert.deepEqual(implicitResults, [[[1]]]);
  },

  // ---------------------------------------------------------------- DML
  async insert_update_delete(c) {
    const name = await table(c, "id number, v varchar2(10)");
    const counts = [];
    for (const sql of [
      `insert into ${name} select level, 'x' from dual connect by level <= 5`,
      `update ${name} set v = 'y' where id > 2`,
      `delete from ${name} where id = 1`,
      `delete from ${name} where id = 100`,
    ]) {
      counts.push((await c.execute(sql)).rowsAffected);
    }
    assert.deepEqual(counts, [5, 3, 1, 0]);
  },
  async array_dml(c) {
    const name = await table(c, "id number, v varchar2(20)");
    const rows = Array.from({ length: 1000 }, (_, i) => [i, i % 7 ? `row ${i}` : null]);
    assert.equal((await c.executeMany(`insert into ${name} values (:1, :2)`, rows)).rowsAffected, 1000);
    assert.deepEqual((await c.execute(`select * from ${name} order by id`)).rows, rows);
  },
  async array_dml_batch_errors(c) {
    const name = await table(c, "id number primary key, v varchar2(3)");
    const rows = [[1, "a"], [1, "twice"], [2, "too long"], [3, "c"], [1, "d"]];
    const bindDefs = [{ type: oracledb.NUMBER }, { type: oracledb.STRING, maxSize: 10 }];
    const done = await c.executeMany(`insert into ${name} values (:1, :2)`, rows, { batchErrors: true, bindDefs });
    const errors = done.batchErrors.map((error) => [error.offset, error.message.slice(0, 9)]);
    assert.deepEqual(errors, [[1, "ORA-12899"], [2, "ORA-12899"], [4, "ORA-00001"]]);
    assert.equal(done.rowsAffected, 2);
    assert.deepEqual((await c.execute(`select id from ${name} order by id`)).rows, [[1], [3]]);
  },
  async array_dml_row_counts(c) {
    const name = await table(c, "id number");
    await c.executeMany(`insert into ${name} values (:1)`, [[1], [2], [2], [3]]);
    const sql = `delete from ${name} where id = :1`;
    const done = await c.executeMany(sql, [[2], [9], [3]], { dmlRowCounts: true });
    assert.deepEqual(done.dmlRowCounts, [2, 0, 1]);
  },
  async returning_one_row(c) {
    const name = await table(c, "id number generated always as identity, v varchar2(10)");
    const { outBinds } = await c.execute(`insert into ${name} (v) values (:v) returning id, v into :id, :w`, {
      v: "x",
      id: { dir: oracledb.BIND_OUT, type: oracledb.NUMBER },
      w: { dir: oracledb.BIND_OUT, type: oracledb.STRING },
    });
    assert.deepEqual({ ...outBinds }, { id: [1], w: ["x"] });
  },
  async returning_several_rows(c) {
    const name = await table(c, "id number, v varchar2(10)");
    await c.executeMany(`insert into ${name} values (:1, 'x')`, [[1], [2], [3]]);
    const sql = `update ${name} set v = 'y' || id where id > :low returning id, v into :id, :v`;
    for (const [low, ids] of [[1, [2, 3]], [9, []]]) {
      const { outBinds } = await c.execute(sql, {
        low,
        id: { dir: oracledb.BIND_OUT, type: oracledb.NUMBER },
        v: { dir: oracledb.BIND_OUT, type: oracledb.STRING },
      });
      assert.deepEqual([outBinds.id, outBinds.v], [ids, ids.map((id) => `y${id}`)]);
    }
  },
  async returning_of_array_dml(c) {
    const name = await table(c, "id number, v varchar2(10)");
    const { outBinds } = await c.executeMany(
      `insert into ${name} values (:1, :2) returning id * 10 into :3`,
      [[1, "a"], [2, "b"]],
      { bindDefs: [{ type: oracledb.NUMBER }, { type: oracledb.STRING, maxSize: 9 }, { dir: oracledb.BIND_OUT, type: oracledb.NUMBER }] },
    );
    assert.deepEqual(outBinds, [[[10]], [[20]]]);
  },

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

const LEFT_OUT = {
  boolean: "no type BOOLEAN in SQL before 23ai",
  json: "no type JSON before 21c",
  generated_rowid: "generated keys are JDBC's",
  generated_keys: "generated keys are JDBC's",
  scrollable_cursor: "node-oracledb has no scrollable cursors",
  two_phase_commit: "node-oracledb has no two-phase commit in thin mode",
};

async function run(name) {
  if (LEFT_OUT[name]) return { check: name, result: "left out", detail: LEFT_OUT[name] };
  if (!checks[name]) return { check: name, result: "fail", detail: "not written" };
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no end within 30 seconds")), 30_000);
  });
  try {
    await Promise.race([using({}, checks[name]), late]);
    return { check: name, result: "pass" };
  } catch (error) {
    const refused = /ORA-03001/.test(error.message);
    return { check: name, result: refused ? "refused" : "fail", detail: String(task.verbose ? error.stack : error.message) };
  } finally {
    clearTimeout(timer);
  }
}

(async () => {
  task = await next();
  tell({ client: `node-oracledb ${oracledb.versionString}` });
  for (const name of task.checks) tell(await run(name));
  process.exit(0);
})();
