// Values of all types, there and back.
"use strict";

const { assert, oracledb, value, table, thereAndBack, utc } = require("./client");

module.exports = {
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
};
