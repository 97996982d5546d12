// Binds, and statements that change rows.
"use strict";

const { assert, oracledb, connect, value, table, thereAndBack } = require("./client");

module.exports = {
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
};
