// Runs the checks: `node main.js PACKAGE`, with the folder of node-oracledb.
"use strict";

const { oracledb, task, tell, next, using } = require("./client");

const checks = {
  ...require("./sessions"),
  ...require("./values"),
  ...require("./statements"),
  ...require("./results"),
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
  Object.assign(task, await next());
  tell({ client: `node-oracledb ${oracledb.versionString}` });
  for (const name of task.checks) tell(await run(name));
  process.exit(0);
})();
