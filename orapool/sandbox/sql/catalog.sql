-- Oracle's data types as types of PostgreSQL's own machinery, and our catalogue beside PostgreSQL's.

create schema oracle;
create function oracle.raise(code int, message text) returns boolean language plpgsql as $$
begin
  raise exception 'ORA-%: %', lpad(code::text, 5, '0'), message using errcode = 'P0001';
end $$;

create table oracle.bootstrap (digest text not null);
create table oracle.users (username text primary key, user_id int generated always as identity, created timestamp default now());

-- DATE: a timestamp without fraction that differs from TIMESTAMP in expressions.
create type oracle.date;
create function oracle.date_in(cstring, oid, int4) returns oracle.date language internal stable strict as 'timestamp_in';
create function oracle.date_out(oracle.date) returns cstring language internal stable strict as 'timestamp_out';
create function oracle.date_recv(internal, oid, int4) returns oracle.date language internal immutable strict as 'timestamp_recv';
create function oracle.date_send(oracle.date) returns bytea language internal immutable strict as 'timestamp_send';
create type oracle.date (input = oracle.date_in, output = oracle.date_out, receive = oracle.date_recv,
  send = oracle.date_send, like = timestamp, category = 'D');

create cast (oracle.date as timestamp) without function as implicit;
create function oracle.date_timestamptz(oracle.date) returns timestamptz language internal stable strict as 'timestamp_timestamptz';
create cast (oracle.date as timestamptz) with function oracle.date_timestamptz(oracle.date) as assignment;
-- The internal function behind date_trunc, with a DATE as its result: a DATE has no fraction of a second.
create function oracle.date_trunc(text, timestamp) returns oracle.date language internal immutable strict as 'timestamp_trunc';
create function oracle.whole_seconds(timestamp) returns oracle.date language sql immutable strict return oracle.date_trunc('second', $1);
create cast (timestamp as oracle.date) with function oracle.whole_seconds(timestamp) as assignment;

do $$
declare op record;
begin
  for op in select * from (values ('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel'), ('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel'),
      ('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel'), ('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel'),
      ('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel'), ('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel'))
      as o (sign, name, commutator, negator, restrict_, join_) loop
    execute format('create function oracle.date_%s(oracle.date, oracle.date) returns boolean language internal immutable strict '
      'leakproof as ''timestamp_%s''', op.name, op.name);
    execute format('create operator oracle.%s (leftarg = oracle.date, rightarg = oracle.date, function = oracle.date_%s, '
      'commutator = operator(oracle.%s), negator = operator(oracle.%s), restrict = %s, join = %s %s)', op.sign, op.name,
      op.commutator, op.negator, op.restrict_, op.join_, case when op.sign = '=' then ', hashes, merges' else '' end);
  end loop;
end $$;
create function oracle.date_cmp(oracle.date, oracle.date) returns int4 language internal immutable strict leakproof as 'timestamp_cmp';
create function oracle.date_hash(oracle.date) returns int4 language internal immutable strict as 'timestamp_hash';
create operator class oracle.date_ops default for type oracle.date using btree as operator 1 oracle.<, operator 2 oracle.<=,
  operator 3 oracle.=, operator 4 oracle.>=, operator 5 oracle.>, function 1 oracle.date_cmp(oracle.date, oracle.date);
create operator class oracle.date_ops default for type oracle.date using hash as operator 1 oracle.=,
  function 1 oracle.date_hash(oracle.date);
create function oracle.date_larger(oracle.date, oracle.date) returns oracle.date language internal immutable strict as 'timestamp_larger';
create function oracle.date_smaller(oracle.date, oracle.date) returns oracle.date language internal immutable strict as 'timestamp_smaller';
create aggregate oracle.max(oracle.date) (sfunc = oracle.date_larger, stype = oracle.date, sortop = operator(oracle.>), combinefunc = oracle.date_larger);
create aggregate oracle.min(oracle.date) (sfunc = oracle.date_smaller, stype = oracle.date, sortop = operator(oracle.<), combinefunc = oracle.date_smaller);

-- CLOB and NCLOB: texts by another name, without comparison (ORA-00932, as in Oracle). BLOB: bytea likewise.
create type oracle.clob;
create function oracle.clob_in(cstring) returns oracle.clob language internal immutable strict as 'textin';
create function oracle.clob_out(oracle.clob) returns cstring language internal immutable strict as 'textout';
create function oracle.clob_send(oracle.clob) returns bytea language internal immutable strict as 'textsend';
create type oracle.clob (input = oracle.clob_in, output = oracle.clob_out, send = oracle.clob_send, like = text, category = 'U', collatable = true);
create type oracle.nclob;
create function oracle.nclob_in(cstring) returns oracle.nclob language internal immutable strict as 'textin';
create function oracle.nclob_out(oracle.nclob) returns cstring language internal immutable strict as 'textout';
create function oracle.nclob_send(oracle.nclob) returns bytea language internal immutable strict as 'textsend';
create type oracle.nclob (input = oracle.nclob_in, output = oracle.nclob_out, send = oracle.nclob_send, like = text, category = 'U', collatable = true);
create type oracle.blob;
create function oracle.blob_in(cstring) returns oracle.blob language internal immutable strict as 'byteain';
create function oracle.blob_out(oracle.blob) returns cstring language internal immutable strict as 'byteaout';
create function oracle.blob_send(oracle.blob) returns bytea language internal immutable strict as 'byteasend';
create type oracle.blob (input = oracle.blob_in, output = oracle.blob_out, send = oracle.blob_send, like = bytea, category = 'U');
create cast (text as oracle.clob) without function as assignment;
create cast (varchar as oracle.clob) without function as assignment;
create cast (oracle.clob as text) without function as assignment;
create cast (oracle.clob as varchar) without function as assignment;
create cast (text as oracle.nclob) without function as assignment;
create cast (varchar as oracle.nclob) without function as assignment;
create cast (oracle.nclob as text) without function as assignment;
create cast (oracle.nclob as varchar) without function as assignment;
create cast (oracle.clob as oracle.nclob) without function as implicit;
create cast (oracle.nclob as oracle.clob) without function as implicit;
create cast (bytea as oracle.blob) without function as assignment;
create cast (oracle.blob as bytea) without function as assignment;

-- JSON, in the binary form that clients send (OSON).
create type oracle.json;
create function oracle.json_in(cstring) returns oracle.json language internal immutable strict as 'byteain';
create function oracle.json_out(oracle.json) returns cstring language internal immutable strict as 'byteaout';
create function oracle.json_send(oracle.json) returns bytea language internal immutable strict as 'byteasend';
create type oracle.json (input = oracle.json_in, output = oracle.json_out, send = oracle.json_send, like = bytea, category = 'U');
create cast (oracle.json as bytea) without function;

-- INTERVAL YEAR TO MONTH, apart from DAY TO SECOND.
create type oracle.interval_ym;
create function oracle.interval_ym_in(cstring, oid, int4) returns oracle.interval_ym language internal stable strict as 'interval_in';
create function oracle.interval_ym_out(oracle.interval_ym) returns cstring language internal immutable strict as 'interval_out';
create function oracle.interval_ym_send(oracle.interval_ym) returns bytea language internal immutable strict as 'interval_send';
create type oracle.interval_ym (input = oracle.interval_ym_in, output = oracle.interval_ym_out, send = oracle.interval_ym_send, like = interval, category = 'U');
create cast (oracle.interval_ym as interval) without function as implicit;
create cast (interval as oracle.interval_ym) without function as assignment;

-- What Oracle knows of a column and PostgreSQL does not.
create table oracle.column_types (
  relid oid not null, attnum int2 not null, type_name text not null, code int not null, charset_form int not null,
  type_precision int not null, type_scale int not null, buffer_size int not null, char_size int not null,
  char_used text, data_precision int, data_scale int, default_text text, identity text,
  sequence_name text, default_on_null boolean not null default false, primary key (relid, attnum));

-- Objects' times and texts by OID.
create sequence oracle.serials start with 8000;

create table oracle.objects (relid oid primary key, created timestamp not null default now(), text text);

-- Names that are too long for PostgreSQL, by its own: see names.py.
create table oracle.long_names (short name primary key, name text not null);
create function oracle.long_name(name) returns text language sql stable return coalesce((select l.name from oracle.long_names l where l.short = $1), $1::text);
-- Apart, so that PostgreSQL puts it into the queries of the dictionary's views.
create function oracle.full_name(name) returns varchar(128) language sql stable return
  (case when $1::text like '%~____________________' then oracle.long_name($1) else $1::text end)::varchar(128);

-- Global temporary tables: the view that bears the name, the table that has the rows, and whether these outlast a commit.
create table oracle.temporary_tables (relid oid primary key, rows oid not null unique, keeps boolean not null);
-- Materialized views, with PostgreSQL's text of their queries.
create table oracle.materialized_views (relid oid primary key, query text not null);

create unlogged table oracle.sessions (
  sid int primary key, serial int, username text, program text, machine text, osuser text, terminal text, process text,
  module text, action text, client_identifier text, client_info text, schemaname text, edition text, server text,
  connection_class text, service_name text, port int, proxy_user text, pid int, logon_time timestamp);

create table oracle.editions (name text primary key, parent text, created timestamp not null default now());
insert into oracle.editions (name) values ('ORA$BASE');

create table oracle.synonyms (owner text not null, name text not null, table_owner text not null, table_name text not null, created timestamp not null default now(), primary key (owner, name));
