// The checks with node-oracledb in thin mode: what they have in common. The program is given its task as a line of JSON, and
// tells what came of each check as a line of JSON too; a line with "do" asks the runner for a fault, and waits for its answer.
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

// What the runner has given.
const task = {};
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

module.exports = { assert, oracledb, task, ask, tell, next, connect, using, value, fails, table, thereAndBack, LONG, LONG_BYTES, utc };
