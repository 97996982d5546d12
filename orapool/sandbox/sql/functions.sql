-- Oracle's functions and operators. Texts of no length are NULL; results are NUMBER (numeric), never an integer.

create function oracle.too_long(owner text, tab text, col text, actual int, most int) returns boolean language sql
  return oracle.raise(12899, format('value too large for column "%s"."%s"."%s" (actual: %s, maximum: %s)', owner, tab, col, actual, most));
-- The length in UTF-16, whose characters beyond the basic plane are two: they have four bytes in UTF-8.
create function oracle.utf16_length(text) returns int language sql immutable strict return
  char_length($1) + case when octet_length($1) = char_length($1) then 0 else char_length(regexp_replace($1, '[\u0001-\uffff]', '', 'g')) end;
create function oracle.utf16_length(bpchar) returns int language sql immutable strict return oracle.utf16_length(rtrim($1::text, ' '));
create function oracle.char_bytes(bpchar) returns int language sql immutable strict return octet_length(rtrim($1::text, ' '));

-- A time of fewer digits is rounded, a half up; PostgreSQL's own rounding goes away from the year 2000.
create function oracle.fit(timestamp, int) returns timestamp language sql immutable strict return
  pg_catalog.timestamp(case when $1 < timestamp '2000-01-01' and $2 < 6 then $1 + interval '1 microsecond' else $1 end, $2);
create function oracle.fit(timestamptz, int) returns timestamptz language sql immutable strict return
  timestamptz(case when $1 < timestamptz '2000-01-01 00:00:00+00' and $2 < 6 then $1 + interval '1 microsecond' else $1 end, $2);
update pg_cast set castfunc = 'oracle.fit(timestamp, int)'::regprocedure where castsource = 'timestamp'::regtype and casttarget = castsource;
update pg_cast set castfunc = 'oracle.fit(timestamptz, int)'::regprocedure where castsource = 'timestamptz'::regtype and casttarget = castsource;
-- FLOAT(b) is numeric(1000, b): rounded to ceil(b * 0.30103) significant digits, a half away from zero, wherever a value becomes
-- one. Not strict, so that it is gone from the plan where another type's value is not dear to compute.
create function oracle.significant(value numeric, digits int) returns numeric language plpgsql immutable strict as $$
declare made numeric; plain text;
begin
  if abs(value) >= 1 then
    made := round(value, digits - length(trunc(abs(value))::text));
  else
    plain := split_part(value::text, '.', 2);
    made := round(value, digits - length(ltrim(plain, '0')) + length(plain));
  end if;
  if abs(made) >= 1e126 then perform oracle.raise(1426, 'numeric overflow'); end if;
  return trim_scale(made);
end $$;
create function oracle.fit(numeric, int) returns numeric language sql immutable return
  case when $2 >= 1000 << 16 then oracle.significant($1, ceil((($2 - 4) & 2047) * 0.30103)::int) else pg_catalog.numeric($1, $2) end;
update pg_cast set castfunc = 'oracle.fit(numeric, int)'::regprocedure where castsource = 'numeric'::regtype and casttarget = castsource;
-- What PostgreSQL has made of a text is no OSON.
create function oracle.check_json(oracle.json) returns boolean language sql immutable strict return
  case when substr($1::bytea, 1, 3) = '\xff4a5a'::bytea then true else oracle.raise(3001, 'unimplemented feature: JSON of an expression; bind it') end;
create function oracle.check_interval(interval, text, bound numeric) returns boolean language sql immutable strict return
  case when abs(case $2 when 'year' then extract(year from $1) else extract(day from justify_hours($1)) end) < bound then true
    else oracle.raise(1873, 'the leading precision of the interval is too small') end;

-- Conversion to text, as TO_CHAR without a format.
create function oracle.number_text(numeric) returns text language sql immutable strict
  return regexp_replace(trim_scale($1)::text, '^(-?)0\.', '\1.');
create function oracle.date_format() returns text language sql stable
  return coalesce(nullif(current_setting('oracle.nls_date_format', true), ''), 'DD-MON-RR');
create function oracle.timestamp_format() returns text language sql stable
  return coalesce(nullif(current_setting('oracle.nls_timestamp_format', true), ''), 'DD-MON-RR HH.MI.SSXFF AM');
create function oracle.timestamp_tz_format() returns text language sql stable
  return coalesce(nullif(current_setting('oracle.nls_timestamp_tz_format', true), ''), 'DD-MON-RR HH.MI.SSXFF AM TZR');
create function oracle.str(text) returns text language sql immutable strict return $1;
create function oracle.str(bpchar) returns text language sql immutable strict return concat($1);
create function oracle.str(numeric) returns text language sql immutable strict return oracle.number_text($1);
create function oracle.str(float8) returns text language sql immutable strict return upper($1::text);
create function oracle.str(oracle.date) returns text language sql stable strict
  return oracle.format_datetime($1::timestamptz, oracle.datetime_format(oracle.date_format()));
create function oracle.str(timestamp) returns text language sql stable strict
  return oracle.format_datetime($1::timestamptz, oracle.datetime_format(oracle.timestamp_format()));
create function oracle.str(timestamptz) returns text language sql stable strict
  return oracle.format_datetime($1, oracle.datetime_format(oracle.timestamp_tz_format()));
create function oracle.str(bytea) returns text language sql immutable strict return upper(encode($1, 'hex'));
create function oracle.str(oracle.clob) returns oracle.clob language sql immutable strict return $1;
create function oracle.str(oracle.nclob) returns oracle.clob language sql immutable strict return $1::oracle.clob;
create function oracle.interval_text(interval) returns text language sql immutable strict return (
  select case when $1 < interval '0' then '-' else '+' end || case when length(days::text) < 2 then lpad(days::text, 2, '0') else days::text end || ' ' || to_char(rest, 'HH24:MI:SS.US')
    from (select abs(extract(day from justify_hours($1)))::int as days, case when $1 < interval '0' then -1 else 1 end * (justify_hours($1) - make_interval(days => extract(day from justify_hours($1))::int)) as rest) p);
create function oracle.interval_text(oracle.interval_ym) returns text language sql immutable strict return (
  select case when months < 0 then '-' else '+' end || case when length((abs(months) / 12)::text) < 2 then lpad((abs(months) / 12)::text, 2, '0') else (abs(months) / 12)::text end || '-' || lpad((abs(months) % 12)::text, 2, '0')
    from (select (extract(year from $1::interval) * 12 + extract(month from $1::interval))::int as months) p);
create function oracle.str(interval) returns text language sql immutable strict return oracle.interval_text($1);
create function oracle.str(oracle.interval_ym) returns text language sql immutable strict return oracle.interval_text($1);

-- PostgreSQL's numeric would take NaN, Infinity and 0x10.
create function oracle.text_number(text) returns numeric language sql immutable strict return
  case when $1 ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$' then $1::numeric else oracle.raise(1722, 'invalid number')::text::numeric end;
create function oracle.num(numeric) returns numeric language sql immutable strict return $1;
create function oracle.num(text) returns numeric language sql immutable strict return oracle.text_number($1);
create function oracle.num(float8) returns numeric language sql immutable strict return $1::numeric;

-- Implicit conversions between texts and the rest.
create cast (numeric as text) with function oracle.number_text(numeric) as implicit;
create function oracle.number_varchar(numeric) returns varchar language sql immutable strict return oracle.number_text($1);
create cast (numeric as varchar) with function oracle.number_varchar(numeric) as assignment;
create cast (text as numeric) with function oracle.text_number(text) as assignment;
create function oracle.varchar_number(varchar) returns numeric language sql immutable strict return oracle.text_number($1);
create cast (varchar as numeric) with function oracle.varchar_number(varchar) as assignment;
create function oracle.date_text(oracle.date) returns text language sql stable strict return oracle.str($1);
create cast (oracle.date as text) with function oracle.date_text(oracle.date) as assignment;
create function oracle.date_varchar(oracle.date) returns varchar language sql stable strict return oracle.str($1)::varchar;
create cast (oracle.date as varchar) with function oracle.date_varchar(oracle.date) as assignment;

do $$
declare op record;
begin
  for op in select * from (values ('=', 'eq', '=', '<>'), ('<>', 'ne', '<>', '='), ('<', 'lt', '>', '>='), ('<=', 'le', '>=', '>'),
      ('>', 'gt', '<', '<='), ('>=', 'ge', '<=', '<')) as o (sign, name, commutator, negator) loop
    execute format('create function oracle.text_%s(text, numeric) returns boolean language sql immutable strict return oracle.text_number($1) %s $2', op.name, op.sign);
    execute format('create function oracle.text_%s(numeric, text) returns boolean language sql immutable strict return $1 %s oracle.text_number($2)', op.name, op.sign);
    execute format('create operator oracle.%s (leftarg = text, rightarg = numeric, function = oracle.text_%s, commutator = operator(oracle.%s))', op.sign, op.name, op.commutator);
    execute format('create operator oracle.%s (leftarg = numeric, rightarg = text, function = oracle.text_%s, commutator = operator(oracle.%s))', op.sign, op.name, op.commutator);
  end loop;
  for op in select * from (values ('+', 'add'), ('-', 'sub'), ('*', 'mul')) as o (sign, name) loop
    execute format('create function oracle.text_%s(text, numeric) returns numeric language sql immutable strict return oracle.text_number($1) %s $2', op.name, op.sign);
    execute format('create function oracle.text_%s(numeric, text) returns numeric language sql immutable strict return $1 %s oracle.text_number($2)', op.name, op.sign);
    execute format('create function oracle.text_%s(text, text) returns numeric language sql immutable strict return oracle.text_number($1) %s oracle.text_number($2)', op.name, op.sign);
    execute format('create operator oracle.%s (leftarg = text, rightarg = numeric, function = oracle.text_%s)', op.sign, op.name);
    execute format('create operator oracle.%s (leftarg = numeric, rightarg = text, function = oracle.text_%s)', op.sign, op.name);
    execute format('create operator oracle.%s (leftarg = text, rightarg = text, function = oracle.text_%s)', op.sign, op.name);
  end loop;
end $$;

-- Division: 40 digits, as NUMBER has. Never PostgreSQL's integer division.
create function oracle.div(numeric, numeric) returns numeric language sql immutable strict return trim_scale(round($1, 40) / $2);
create function oracle.div(text, numeric) returns numeric language sql immutable strict return oracle.div(oracle.text_number($1), $2);
create function oracle.div(numeric, text) returns numeric language sql immutable strict return oracle.div($1, oracle.text_number($2));
create function oracle.div(float8, float8) returns float8 language sql immutable strict return $1 / $2;
create function oracle.div(float4, float4) returns float4 language sql immutable strict return $1 / $2;
create function oracle.div(interval, numeric) returns interval language sql immutable strict return $1 / $2::float8;
create function oracle.widen(numeric) returns numeric language sql immutable strict return round($1, 40);
create function oracle.widen(float8) returns float8 language sql immutable strict return $1;
create function oracle.widen(text) returns numeric language sql immutable strict return round(oracle.text_number($1), 40);
create function oracle.narrow(numeric) returns numeric language sql immutable strict return trim_scale($1);
create function oracle.narrow(float8) returns float8 language sql immutable strict return $1;

-- DATE and TIMESTAMP arithmetic in days.
create function oracle.days(numeric) returns interval language sql immutable strict return make_interval(secs => ($1 * 86400)::float8);
create function oracle.date_plus(oracle.date, numeric) returns oracle.date language sql immutable strict
  return date_trunc('second', $1::timestamp + make_interval(days => trunc($2)::int) + make_interval(secs => round((($2 - trunc($2)) * 86400), 3)::float8) + interval '0.5 second')::oracle.date;
create function oracle.plus_date(numeric, oracle.date) returns oracle.date language sql immutable strict return oracle.date_plus($2, $1);
create function oracle.date_minus(oracle.date, numeric) returns oracle.date language sql immutable strict return oracle.date_plus($1, -$2);
create function oracle.date_minus(oracle.date, oracle.date) returns numeric language sql immutable strict
  return trim_scale(round(extract(epoch from ($1::timestamp - $2::timestamp)), 40) / 86400);
create function oracle.date_plus(oracle.date, interval) returns oracle.date language sql immutable strict
  return date_trunc('second', $1::timestamp + $2)::oracle.date;
create function oracle.date_minus(oracle.date, interval) returns oracle.date language sql immutable strict
  return date_trunc('second', $1::timestamp - $2)::oracle.date;
create function oracle.plus_date(interval, oracle.date) returns oracle.date language sql immutable strict return oracle.date_plus($2, $1);
create function oracle.timestamp_plus(timestamp, numeric) returns oracle.date language sql immutable strict
  return oracle.date_plus(date_trunc('second', $1)::oracle.date, $2);
create function oracle.timestamp_minus(timestamp, numeric) returns oracle.date language sql immutable strict
  return oracle.date_plus(date_trunc('second', $1)::oracle.date, -$2);
create function oracle.date_minus(oracle.date, timestamp) returns interval language sql immutable strict return $1::timestamp - $2;
create function oracle.date_minus(timestamp, oracle.date) returns interval language sql immutable strict return $1 - $2::timestamp;
create function oracle.timestamptz_plus(timestamptz, numeric) returns oracle.date language sql stable strict
  return oracle.date_plus(date_trunc('second', $1::timestamp)::oracle.date, $2);
create function oracle.timestamptz_minus(timestamptz, numeric) returns oracle.date language sql stable strict
  return oracle.date_plus(date_trunc('second', $1::timestamp)::oracle.date, -$2);
create operator oracle.+ (leftarg = oracle.date, rightarg = numeric, function = oracle.date_plus, commutator = operator(oracle.+));
create operator oracle.+ (leftarg = numeric, rightarg = oracle.date, function = oracle.plus_date, commutator = operator(oracle.+));
create operator oracle.+ (leftarg = oracle.date, rightarg = interval, function = oracle.date_plus, commutator = operator(oracle.+));
create operator oracle.+ (leftarg = interval, rightarg = oracle.date, function = oracle.plus_date, commutator = operator(oracle.+));
create operator oracle.- (leftarg = oracle.date, rightarg = numeric, function = oracle.date_minus);
create operator oracle.- (leftarg = oracle.date, rightarg = oracle.date, function = oracle.date_minus);
create operator oracle.- (leftarg = oracle.date, rightarg = interval, function = oracle.date_minus);
create operator oracle.- (leftarg = oracle.date, rightarg = timestamp, function = oracle.date_minus);
create operator oracle.- (leftarg = timestamp, rightarg = oracle.date, function = oracle.date_minus);
create operator oracle.+ (leftarg = timestamp, rightarg = numeric, function = oracle.timestamp_plus);
create operator oracle.- (leftarg = timestamp, rightarg = numeric, function = oracle.timestamp_minus);
create operator oracle.+ (leftarg = timestamptz, rightarg = numeric, function = oracle.timestamptz_plus);
create operator oracle.- (leftarg = timestamptz, rightarg = numeric, function = oracle.timestamptz_minus);

-- The clock. Sessions run in UTC inside; SYSDATE is the host's time, as Oracle's.
create function oracle.host_zone() returns text language sql stable return coalesce(nullif(current_setting('oracle.host_zone', true), ''), 'UTC');
create function oracle.sysdate() returns oracle.date language sql stable
  return date_trunc('second', statement_timestamp() at time zone oracle.host_zone())::oracle.date;
create function oracle.current_date_() returns oracle.date language sql stable return oracle.sysdate();
create function oracle.local_date(timestamptz) returns oracle.date language sql stable strict return ($1 at time zone oracle.host_zone())::oracle.date;
create cast (timestamptz as oracle.date) with function oracle.local_date(timestamptz) as assignment;
create function oracle.localtimestamp_() returns timestamp language sql stable return statement_timestamp() at time zone oracle.host_zone();
create function oracle.systimestamp() returns timestamptz language sql stable return statement_timestamp();
create function oracle.dbtimezone() returns text language sql stable return '+00:00'::text;

create function oracle.user_() returns text language sql stable return current_setting('oracle.user', true);
create function oracle.uid() returns numeric language sql stable return (select user_id::numeric from oracle.users where username = oracle.user_());
create function oracle.current_schema_() returns text language sql stable return current_schema()::text;
create function oracle.sys_context(space text, name text) returns text language sql stable
begin atomic
  select case when upper(space) <> 'USERENV' then null
    when upper(name) in ('CURRENT_SCHEMA') then current_schema()::text
    when upper(name) in ('SESSION_USER', 'CURRENT_USER', 'AUTHENTICATED_IDENTITY') then oracle.user_()
    when upper(name) = 'PROXY_USER' then nullif(current_setting('oracle.proxy_user', true), '')
    when upper(name) in ('SID', 'SESSIONID', 'INSTANCE', 'SERVICE_NAME', 'MODULE', 'ACTION', 'CLIENT_IDENTIFIER', 'CLIENT_INFO', 'HOST',
      'OS_USER', 'TERMINAL', 'CLIENT_PROGRAM_NAME', 'CURRENT_EDITION_NAME', 'SESSION_EDITION_NAME') then
      (select nullif(case upper(name) when 'SID' then s.sid::text when 'SESSIONID' then s.sid::text when 'INSTANCE' then '1'
        when 'SERVICE_NAME' then s.service_name when 'MODULE' then s.module when 'ACTION' then s.action
        when 'CLIENT_IDENTIFIER' then s.client_identifier when 'CLIENT_INFO' then s.client_info when 'HOST' then s.machine
        when 'CURRENT_EDITION_NAME' then s.edition when 'SESSION_EDITION_NAME' then s.edition
        when 'OS_USER' then s.osuser when 'TERMINAL' then s.terminal when 'CLIENT_PROGRAM_NAME' then s.program end, '')
       from oracle.sessions s where s.pid = pg_backend_pid())
    when upper(name) in ('DB_NAME', 'INSTANCE_NAME', 'DB_UNIQUE_NAME', 'CON_NAME') then 'ORAPOOL'
    when upper(name) = 'DATABASE_ROLE' then 'PRIMARY'
    when upper(name) = 'ISDBA' then 'FALSE'
    when upper(name) in ('LANG') then 'US'
    when upper(name) = 'NLS_TERRITORY' then 'AMERICA'
    when upper(name) = 'NLS_CURRENCY' then '$'
    when upper(name) = 'NLS_CALENDAR' then 'GREGORIAN'
    when upper(name) = 'NLS_DATE_LANGUAGE' then 'AMERICAN'
    when upper(name) = 'NLS_SORT' then 'BINARY'
    when upper(name) in ('LANGUAGE') then 'AMERICAN_AMERICA.AL32UTF8'
    when upper(name) in ('NLS_DATE_FORMAT') then oracle.date_format()
    when upper(name) in ('IP_ADDRESS') then '127.0.0.1'
    else (oracle.raise(2003, 'invalid USERENV parameter'))::text end;
end;
create function oracle.check_edition(text) returns boolean language sql stable
  return exists (select from oracle.editions where name = $1) or oracle.raise(38802, 'edition does not exist');
create function oracle.create_edition(text, text) returns boolean language plpgsql as $$
begin
  if exists (select from oracle.editions where name = $1) then perform oracle.raise(955, 'name is already used by an existing object'); end if;
  if not exists (select from oracle.editions where name = $2) then perform oracle.raise(38802, 'edition does not exist'); end if;
  if exists (select from oracle.editions e where e.parent = $2) then perform oracle.raise(38807, 'Implementation restriction: an edition can have only one child'); end if;
  insert into oracle.editions (name, parent) values ($1, $2);
  return true;
end $$;
create function oracle.drop_edition(text) returns boolean language plpgsql as $$
begin
  if exists (select from oracle.sessions s where s.edition = $1) then perform oracle.raise(38805, 'edition is in use'); end if;
  if exists (select from oracle.editions e where e.parent = $1) or $1 = 'ORA$BASE' then
    perform oracle.raise(38810, 'Implementation restriction: cannot drop edition that has a parent and a child'); end if;
  delete from oracle.editions where name = $1;
  if not found then perform oracle.raise(38802, 'edition does not exist'); end if;
  return true;
end $$;
create function oracle.userenv(text) returns text language sql stable return oracle.sys_context('USERENV', $1);
create function oracle.sys_guid() returns bytea language sql volatile return decode(replace(gen_random_uuid()::text, '-', ''), 'hex');

-- Rows
create function oracle.row_limit(numeric) returns bigint language sql immutable return greatest(0, floor($1))::bigint;
create function oracle.row_limit_before(numeric) returns bigint language sql immutable return greatest(0, ceil($1) - 1)::bigint;
-- ROWNUM in other conditions: all rows or none.
create function oracle.row_limit_above(numeric) returns bigint language sql immutable return case when $1 < 1 then null else 0 end;
create function oracle.row_limit_from(numeric) returns bigint language sql immutable return case when $1 <= 1 then null else 0 end;
create function oracle.row_limit_equal(numeric) returns bigint language sql immutable return case when $1 = 1 then 1 else 0 end;
create function oracle.row_limit_but(numeric) returns bigint language sql immutable return case when $1 >= 1 and $1 = trunc($1) then $1::bigint - 1 when $1 is null then 0 end;
create function oracle.row_limit(bigint) returns bigint language sql immutable return $1;
-- Of a bind whose type is a text's, or that is not told yet.
create function oracle.row_limit(text) returns bigint language sql immutable return oracle.row_limit($1::numeric);
create function oracle.levels(bigint) returns setof numeric language sql immutable rows 100 begin atomic select g::numeric from generate_series(1, greatest(1, $1)) g; end;
create function oracle.rownum_(numeric) returns numeric language sql immutable return $1;

-- Texts
create function oracle.concat(text, text) returns text language sql immutable return
  case when octet_length($1) + octet_length($2) > 4000 then oracle.raise(1489, 'result of string concatenation is too long')::text else nullif(concat($1, $2), '') end;
create function oracle.concat(oracle.clob, oracle.clob) returns oracle.clob language sql immutable return nullif(concat($1::text, $2::text), '')::oracle.clob;
create function oracle.concat(oracle.clob, text) returns oracle.clob language sql immutable return nullif(concat($1::text, $2), '')::oracle.clob;
create function oracle.concat(text, oracle.clob) returns oracle.clob language sql immutable return nullif(concat($1, $2::text), '')::oracle.clob;
create function oracle.clob_like(oracle.clob, text) returns boolean language sql immutable strict return $1::text operator(pg_catalog.~~) $2;
create function oracle.clob_not_like(oracle.clob, text) returns boolean language sql immutable strict return $1::text operator(pg_catalog.!~~) $2;
create operator oracle.~~ (leftarg = oracle.clob, rightarg = text, function = oracle.clob_like);
create operator oracle.!~~ (leftarg = oracle.clob, rightarg = text, function = oracle.clob_not_like);
create function oracle.length(text) returns numeric language sql immutable strict return char_length($1)::numeric;
create function oracle.length(bpchar) returns numeric language sql immutable strict return char_length(concat($1))::numeric;
create function oracle.length(oracle.clob) returns numeric language sql immutable strict return char_length($1::text)::numeric;
create function oracle.length(bytea) returns numeric language sql immutable strict return octet_length($1)::numeric;
create function oracle.length(oracle.blob) returns numeric language sql immutable strict return octet_length($1::bytea)::numeric;
create function oracle.lengthb(text) returns numeric language sql immutable strict return octet_length($1)::numeric;
create function oracle.vsize(text) returns numeric language sql immutable strict return octet_length($1)::numeric;
create function oracle.upper(text) returns text language sql immutable strict return upper($1);
create function oracle.upper(oracle.clob) returns oracle.clob language sql immutable strict return upper($1::text)::oracle.clob;
create function oracle.lower(text) returns text language sql immutable strict return lower($1);
create function oracle.lower(oracle.clob) returns oracle.clob language sql immutable strict return lower($1::text)::oracle.clob;
create function oracle.initcap(text) returns text language sql immutable strict return initcap($1);
create function oracle.ascii(text) returns numeric language sql immutable strict return ascii($1)::numeric;
create function oracle.chr(numeric) returns text language sql immutable strict return chr($1::int);
create function oracle.reverse(text) returns text language sql immutable strict return reverse($1);
-- SUBSTR: position 0 is 1, negative counts from the end, a length below 1 is NULL.
create function oracle.substr(text, numeric) returns text language sql immutable strict return
  case when trunc($2) >= 0 then nullif(substr($1, greatest(trunc($2), 1)::int), '')
       when -trunc($2) > char_length($1) then null else right($1, -trunc($2)::int) end;
create function oracle.substr(text, numeric, numeric) returns text language sql immutable strict return
  case when trunc($3) < 1 then null when trunc($2) >= 0 then nullif(substr($1, greatest(trunc($2), 1)::int, least(trunc($3), 1000000000)::int), '')
       when -trunc($2) > char_length($1) then null else nullif(left(right($1, -trunc($2)::int), least(trunc($3), 1000000000)::int), '') end;
create function oracle.substr(oracle.clob, numeric) returns oracle.clob language sql immutable strict return oracle.substr($1::text, $2)::oracle.clob;
create function oracle.substr(oracle.clob, numeric, numeric) returns oracle.clob language sql immutable strict return oracle.substr($1::text, $2, $3)::oracle.clob;
create function oracle.substrb(text, numeric, numeric) returns text language sql immutable strict return oracle.substr($1, $2, $3);
create function oracle.instr_at(value text, part text, start int, occurrence int) returns numeric language plpgsql immutable strict as $$
declare at int; found int := 0; size int := char_length(value);
begin
  if start = 0 or occurrence < 1 then
    if occurrence < 1 then raise exception 'ORA-01428: argument ''%'' is out of range', occurrence; end if;
    return 0;
  end if;
  at := case when start > 0 then start else size + start + 1 end;
  while at between 1 and size loop
    if substr(value, at, char_length(part)) = part then
      found := found + 1;
      if found = occurrence then return at; end if;
    end if;
    at := at + sign(start)::int;
  end loop;
  return 0;
end $$;
create function oracle.instr(text, text) returns numeric language sql immutable strict return strpos($1, $2)::numeric;
create function oracle.instr(text, text, numeric) returns numeric language sql immutable strict return oracle.instr_at($1, $2, $3::int, 1);
create function oracle.instr(text, text, numeric, numeric) returns numeric language sql immutable strict return oracle.instr_at($1, $2, $3::int, $4::int);
create function oracle.instr(oracle.clob, text) returns numeric language sql immutable strict return strpos($1::text, $2)::numeric;
create function oracle.replace(text, text) returns text language sql immutable return case when $2 is null then $1 else nullif(replace($1, $2, ''), '') end;
create function oracle.replace(text, text, text) returns text language sql immutable return
  case when $2 is null then $1 else nullif(replace($1, $2, coalesce($3, '')), '') end;
create function oracle.replace(oracle.clob, text, text) returns oracle.clob language sql immutable return oracle.replace($1::text, $2, $3)::oracle.clob;
create function oracle.translate(text, text, text) returns text language sql immutable strict return nullif(translate($1, $2, $3), '');
create function oracle.btrim(text) returns text language sql immutable strict return nullif(btrim($1, ' '), '');
create function oracle.btrim(text, text) returns text language sql immutable strict return nullif(btrim($1, $2), '');
create function oracle.btrim(oracle.clob) returns oracle.clob language sql immutable strict return nullif(btrim($1::text, ' '), '')::oracle.clob;
create function oracle.ltrim(text) returns text language sql immutable strict return nullif(ltrim($1, ' '), '');
create function oracle.ltrim(text, text) returns text language sql immutable strict return nullif(ltrim($1, $2), '');
create function oracle.rtrim(text) returns text language sql immutable strict return nullif(rtrim($1, ' '), '');
create function oracle.rtrim(text, text) returns text language sql immutable strict return nullif(rtrim($1, $2), '');
create function oracle.lpad(text, numeric) returns text language sql immutable strict return nullif(lpad($1, least($2, 4000)::int), '');
create function oracle.lpad(text, numeric, text) returns text language sql immutable strict return nullif(lpad($1, least($2, 4000)::int, $3), '');
create function oracle.rpad(text, numeric) returns text language sql immutable strict return nullif(rpad($1, least($2, 4000)::int), '');
create function oracle.rpad(text, numeric, text) returns text language sql immutable strict return nullif(rpad($1, least($2, 4000)::int, $3), '');
create function oracle.hextoraw(text) returns bytea language sql immutable strict return decode(case when char_length($1) % 2 = 1 then '0' || $1 else $1 end, 'hex');
create function oracle.rawtohex(bytea) returns text language sql immutable strict return upper(encode($1, 'hex'));
create function oracle.to_clob(text) returns oracle.clob language sql immutable strict return $1::oracle.clob;
create function oracle.to_clob(oracle.clob) returns oracle.clob language sql immutable strict return $1;
create function oracle.to_nclob(text) returns oracle.nclob language sql immutable strict return $1::oracle.nclob;
create function oracle.to_blob(bytea) returns oracle.blob language sql immutable strict return $1::oracle.blob;
create function oracle.empty_clob() returns oracle.clob language sql immutable return ''::oracle.clob;
create function oracle.empty_blob() returns oracle.blob language sql immutable return ''::oracle.blob;

-- Numbers
create function oracle.abs(numeric) returns numeric language sql immutable strict return abs($1);
create function oracle.abs(float8) returns float8 language sql immutable strict return abs($1);
create function oracle.ceil(numeric) returns numeric language sql immutable strict return ceil($1);
create function oracle.ceil(float8) returns float8 language sql immutable strict return ceil($1);
create function oracle.floor(numeric) returns numeric language sql immutable strict return floor($1);
create function oracle.floor(float8) returns float8 language sql immutable strict return floor($1);
create function oracle.sign(numeric) returns numeric language sql immutable strict return sign($1);
create function oracle.mod(numeric, numeric) returns numeric language sql immutable strict return case when $2 = 0 then $1 else mod($1, $2) end;
create function oracle.remainder(numeric, numeric) returns numeric language sql immutable strict return $1 - $2 * round($1 / $2);
create function oracle.power(numeric, numeric) returns numeric language sql immutable strict return trim_scale(power($1, $2));
create function oracle.power(float8, float8) returns float8 language sql immutable strict return power($1, $2);
create function oracle.sqrt(numeric) returns numeric language sql immutable strict return trim_scale(sqrt(round($1, 40)));
create function oracle.exp(numeric) returns numeric language sql immutable strict return trim_scale(exp(round($1, 38)));
create function oracle.ln(numeric) returns numeric language sql immutable strict return trim_scale(ln(round($1, 38)));
create function oracle.log(numeric, numeric) returns numeric language sql immutable strict return trim_scale(log(round($1, 38), round($2, 38)));
create function oracle.bitand(numeric, numeric) returns numeric language sql immutable strict return ($1::bigint & $2::bigint)::numeric;
create function oracle.round(numeric) returns numeric language sql immutable strict return round($1);
create function oracle.round(numeric, numeric) returns numeric language sql immutable strict return round($1, trunc($2)::int);
create function oracle.round(float8) returns float8 language sql immutable strict return round($1::numeric)::float8;
create function oracle.trunc(numeric) returns numeric language sql immutable strict return trunc($1);
create function oracle.trunc(numeric, numeric) returns numeric language sql immutable strict return trunc($1, trunc($2)::int);
create function oracle.trunc(float8) returns float8 language sql immutable strict return trunc($1);
do $$
declare name text;
begin
  foreach name in array array['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh'] loop
    execute format('create function oracle.%s(float8) returns float8 language sql immutable strict return %s($1)', name, name);
    execute format('create function oracle.%s(numeric) returns numeric language sql immutable strict return %s($1::float8)::numeric', name, name);
  end loop;
end $$;
create function oracle.atan2(numeric, numeric) returns numeric language sql immutable strict return atan2($1::float8, $2::float8)::numeric;
create function oracle.to_binary_double(numeric) returns float8 language sql immutable strict return $1::float8;
create function oracle.to_binary_double(text) returns float8 language sql immutable strict return $1::float8;
create function oracle.to_binary_double(float8) returns float8 language sql immutable strict return $1;
create function oracle.to_binary_float(numeric) returns float4 language sql immutable strict return $1::float4;
create function oracle.to_binary_float(text) returns float4 language sql immutable strict return $1::float4;
create function oracle.nanvl(float8, float8) returns float8 language sql immutable strict return case when $1 = 'NaN' then $2 else $1 end;

-- Conversions with formats
create function oracle.to_char(text) returns text language sql immutable strict return $1;
create function oracle.to_char(oracle.clob) returns text language sql immutable strict return $1::text;
create function oracle.to_char(numeric) returns text language sql immutable strict return oracle.number_text($1);
create function oracle.to_char(float8) returns text language sql immutable strict return oracle.str($1);
create function oracle.to_char(oracle.date) returns text language sql stable strict return oracle.str($1);
create function oracle.to_char(timestamp) returns text language sql stable strict return oracle.str($1);
create function oracle.to_char(timestamptz) returns text language sql stable strict return oracle.str($1);
create function oracle.to_char(numeric, text) returns text language sql immutable strict return oracle.format_number($1, $2);
-- A text is taken for a number, as is NULL.
create function oracle.to_char(text, text) returns text language sql immutable strict return oracle.format_number(oracle.text_number($1), $2);
create function oracle.to_char(numeric, text, text) returns text language sql immutable strict return oracle.format_number($1, $2, $3);
create function oracle.to_char(float8, text) returns text language sql immutable strict return oracle.format_number($1, $2);
create function oracle.to_char(oracle.date, text) returns text language sql stable strict return oracle.format_datetime($1::timestamptz, oracle.datetime_format(oracle.of_dates($2)));
create function oracle.to_char(timestamp, text) returns text language sql stable strict return oracle.format_datetime($1::timestamptz, oracle.datetime_format($2));
create function oracle.to_char(timestamptz, text) returns text language sql stable strict return oracle.format_datetime($1, oracle.datetime_format($2));
create function oracle.to_char(interval) returns text language sql immutable strict return oracle.interval_text($1);
create function oracle.to_char(oracle.interval_ym) returns text language sql immutable strict return oracle.interval_text($1);
create function oracle.to_nchar(numeric) returns text language sql immutable strict return oracle.number_text($1);
create function oracle.to_nchar(text) returns text language sql immutable strict return $1;
create function oracle.to_number(text) returns numeric language sql immutable strict return oracle.text_number($1);
create function oracle.to_number(numeric) returns numeric language sql immutable strict return $1;
create function oracle.to_number(float8) returns numeric language sql immutable strict return $1::numeric;
create function oracle.to_number(text, text) returns numeric language sql immutable strict return oracle.parse_number($1, $2);
create function oracle.to_number(text, text, text) returns numeric language sql immutable strict return oracle.parse_number($1, $2, $3);
create function oracle.to_timestamp(text, text) returns timestamp language sql stable return (oracle.parse_datetime($1, $2, oracle.quick_format($2))).moment;
create function oracle.to_timestamp(text) returns timestamp language sql stable return (oracle.parse_datetime($1, oracle.timestamp_format(), oracle.quick_session_format(oracle.timestamp_format()))).moment;
create function oracle.at_utc(oracle.zoned) returns timestamptz language sql stable return ($1.moment at time zone 'UTC') - make_interval(secs => coalesce($1.ahead, 0));
create function oracle.to_timestamp_tz(text, text) returns timestamptz language sql stable return oracle.at_utc(oracle.parse_datetime($1, $2, null));
create function oracle.to_timestamp_tz(text) returns timestamptz language sql stable strict return oracle.to_timestamp_tz($1, oracle.timestamp_tz_format());
-- The session tells the SCN to the statements that ask for it.
create function oracle.current_scn() returns numeric language sql volatile return
  coalesce(nullif(current_setting('oracle.current_scn', true), '')::numeric, oracle.raise(3001, 'unimplemented feature: the SCN in a view or in DML')::text::numeric);
-- ROWIDs are ctids in 18 characters: see rowid.py.
create function oracle.base64(bigint, int) returns text language sql immutable strict return (
  select string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', ($1 >> (6 * place) & 63)::int + 1, 1), '' order by place desc)
    from generate_series(0, $2 - 1) place);
create function oracle.from_base64(text) returns bigint language sql immutable strict return (
  select sum((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', substr($1, place, 1)) - 1)::bigint << (6 * (length($1) - place)))
    from generate_series(1, length($1)) place);
create function oracle.rowidtochar(tid) returns text language sql immutable strict return
  'AAAAABAAB' || oracle.base64(split_part(trim('()' from $1::text), ',', 1)::bigint, 6) || oracle.base64(split_part(trim('()' from $1::text), ',', 2)::bigint, 3);
create function oracle.rowidtonchar(tid) returns text language sql immutable strict return oracle.rowidtochar($1);
create function oracle.str(tid) returns text language sql immutable strict return oracle.rowidtochar($1);
create function oracle.to_char(tid) returns text language sql immutable strict return oracle.rowidtochar($1);
create function oracle.chartorowid(text) returns tid language sql immutable strict return
  case when $1 ~ '^[A-Za-z0-9+/]{18}$' then format('(%s,%s)', oracle.from_base64(substr($1, 10, 6)) & 4294967295, oracle.from_base64(substr($1, 16)) & 65535)::tid
    else oracle.raise(1410, 'invalid ROWID')::text::tid end;
-- PostgreSQL reads an offset alone the wrong way round (as POSIX does), and behind a time as it is meant.
create function oracle.from_tz(timestamp, text) returns timestamptz language sql stable strict return ($1::text || ' ' || $2)::timestamptz;
create function oracle.sys_extract_utc(timestamptz) returns timestamp language sql immutable strict return $1 at time zone 'UTC';
create function oracle.to_date(text, text) returns oracle.date language sql stable return (oracle.parse_datetime($1, oracle.of_dates($2), oracle.quick_format($2))).moment::oracle.date;
create function oracle.to_date(text) returns oracle.date language sql stable return (oracle.parse_datetime($1, oracle.date_format(), oracle.quick_session_format(oracle.date_format()))).moment::oracle.date;
create function oracle.to_date(oracle.date) returns oracle.date language sql stable strict return $1;
-- AMERICAN is the only language.
create function oracle.of_language(format text, nls text) returns text language plpgsql immutable strict as $$
begin
  if nls !~* '^\s*nls_date_language\s*=\s*''?american''?\s*$' then
    if nls ~* '^\s*nls_(date_language|calendar)\s*=' then perform oracle.raise(3001, format('unimplemented feature: %s', nls)); end if;
    perform oracle.raise(12702, 'invalid NLS parameter string used in SQL function');
  end if;
  return format;
end $$;
create function oracle.to_char(oracle.date, text, text) returns text language sql stable strict return oracle.to_char($1, oracle.of_language($2, $3));
create function oracle.to_char(timestamp, text, text) returns text language sql stable strict return oracle.to_char($1, oracle.of_language($2, $3));
create function oracle.to_char(timestamptz, text, text) returns text language sql stable strict return oracle.to_char($1, oracle.of_language($2, $3));
create function oracle.to_date(text, text, text) returns oracle.date language sql stable strict return oracle.to_date($1, oracle.of_language($2, $3));
create function oracle.to_timestamp(text, text, text) returns timestamp language sql stable strict return oracle.to_timestamp($1, oracle.of_language($2, $3));
create function oracle.dat(text) returns oracle.date language sql stable strict return oracle.to_date($1);
create function oracle.dat(oracle.date) returns oracle.date language sql immutable strict return $1;
create function oracle.dat(timestamp) returns oracle.date language sql immutable strict return oracle.whole_seconds($1);
create function oracle.dat(timestamptz) returns oracle.date language sql stable strict return oracle.whole_seconds($1::timestamp);
create function oracle.tms(text) returns timestamp language sql stable strict return oracle.to_timestamp($1);
create function oracle.tms(timestamp) returns timestamp language sql immutable strict return $1;
create function oracle.tms(timestamptz) returns timestamp language sql stable strict return $1::timestamp;

-- Dates
create function oracle.unit(text) returns text language sql immutable strict return
  case when upper($1) in ('YEAR', 'YYYY', 'YYY', 'YY', 'Y', 'SYYYY') then 'year' when upper($1) in ('MONTH', 'MON', 'MM', 'RM') then 'month'
    when upper($1) in ('DDD', 'DD', 'J') then 'day' when upper($1) in ('HH', 'HH12', 'HH24') then 'hour' when upper($1) = 'MI' then 'minute'
    when upper($1) = 'Q' then 'quarter' when upper($1) = 'IW' then 'week' when upper($1) in ('CC', 'SCC') then 'century'
    else oracle.raise(1821, 'date format not recognized')::text end;
create function oracle.trunc(timestamp) returns oracle.date language sql immutable strict return date_trunc('day', $1)::oracle.date;
create function oracle.trunc(oracle.date) returns oracle.date language sql immutable strict return date_trunc('day', $1::timestamp)::oracle.date;
create function oracle.trunc(oracle.date, text) returns oracle.date language sql immutable strict return
  case when upper($2) in ('DAY', 'DY', 'D') then (date_trunc('day', $1::timestamp) - make_interval(days => extract(dow from $1::timestamp)::int))::oracle.date
    when upper($2) = 'W' then (date_trunc('day', $1::timestamp) - make_interval(days => (extract(day from $1::timestamp)::int - 1) % 7))::oracle.date
    when upper($2) = 'WW' then (date_trunc('day', $1::timestamp) - make_interval(days => (extract(doy from $1::timestamp)::int - 1) % 7))::oracle.date
    when upper($2) in ('IYYY', 'IYY', 'IY', 'I') then date_trunc('week', make_timestamp(extract(isoyear from $1::timestamp)::int, 1, 4, 0, 0, 0))::oracle.date
    else date_trunc(oracle.unit($2), $1::timestamp)::oracle.date end;
create function oracle.trunc(timestamp, text) returns oracle.date language sql immutable strict return oracle.trunc($1::oracle.date, $2);
create function oracle.trunc(timestamptz) returns oracle.date language sql stable strict return oracle.trunc($1::timestamp);
create function oracle.trunc(timestamptz, text) returns oracle.date language sql stable strict return oracle.trunc($1::timestamp::oracle.date, $2);
create function oracle.round(oracle.date) returns oracle.date language sql immutable strict return date_trunc('day', $1::timestamp + interval '12 hours')::oracle.date;
create function oracle.round(oracle.date, text) returns oracle.date language sql immutable strict return
  case oracle.unit($2) when 'year' then date_trunc('year', $1::timestamp + interval '6 months')::oracle.date
    when 'month' then case when extract(day from $1::timestamp) >= 16 then date_trunc('month', $1::timestamp) + interval '1 month' else date_trunc('month', $1::timestamp) end::oracle.date
    when 'day' then oracle.round($1) when 'hour' then date_trunc('hour', $1::timestamp + interval '30 minutes')::oracle.date
    when 'minute' then date_trunc('minute', $1::timestamp + interval '30 seconds')::oracle.date
    when 'quarter' then date_trunc('quarter', date_trunc('month', $1::timestamp) + case when extract(day from $1::timestamp) >= 16 then interval '2 months' else interval '1 month' end)::oracle.date
    else oracle.raise(3001, 'unimplemented feature: ROUND of a date to ' || $2)::text::timestamp::oracle.date end;
create function oracle.last_day(oracle.date) returns oracle.date language sql immutable strict
  return (date_trunc('month', $1::timestamp) + interval '1 month - 1 day' + ($1::timestamp - date_trunc('day', $1::timestamp)))::oracle.date;
create function oracle.add_months(oracle.date, numeric) returns oracle.date language sql immutable strict return
  case when $1::timestamp::pg_catalog.date = oracle.last_day($1)::timestamp::pg_catalog.date then oracle.last_day(($1::timestamp + make_interval(months => trunc($2)::int))::oracle.date)
    else ($1::timestamp + make_interval(months => trunc($2)::int))::oracle.date end;
create function oracle.months_between(oracle.date, oracle.date) returns numeric language sql immutable strict return
  (extract(year from $1::timestamp) - extract(year from $2::timestamp)) * 12 + extract(month from $1::timestamp) - extract(month from $2::timestamp)
  + case when extract(day from $1::timestamp) = extract(day from $2::timestamp)
      or ($1::timestamp::pg_catalog.date = oracle.last_day($1)::timestamp::pg_catalog.date and $2::timestamp::pg_catalog.date = oracle.last_day($2)::timestamp::pg_catalog.date) then 0
    else trim_scale(round(extract(epoch from ($1::timestamp - date_trunc('month', $1::timestamp)) - ($2::timestamp - date_trunc('month', $2::timestamp))), 40) / 86400 / 31) end;
create function oracle.next_day(oracle.date, text) returns oracle.date language sql immutable strict return
  ($1::timestamp + make_interval(days => coalesce(nullif((array_position(array['SUN','MON','TUE','WED','THU','FRI','SAT'], left(upper($2), 3)) - 1 - extract(dow from $1::timestamp)::int + 7) % 7, 0), 7)))::oracle.date;
create function oracle.extract_(text, timestamp) returns numeric language sql immutable strict return date_part($1, $2)::numeric;
create function oracle.extract_(text, timestamptz) returns numeric language sql stable strict return date_part($1, $2)::numeric;
create function oracle.extract_(text, interval) returns numeric language sql immutable strict return date_part($1, $2)::numeric;
create function oracle.numtodsinterval(numeric, text) returns interval language sql immutable strict return ($1::text || ' ' || $2)::interval;
create function oracle.to_dsinterval(text) returns interval language sql immutable strict return $1::interval;

-- A part of SYS_CONNECT_BY_PATH.
create function oracle.path_part(value text, separator text) returns text language sql immutable return
  case when strpos(value, separator) > 0 then oracle.raise(30004, 'when using SYS_CONNECT_BY_PATH function, cannot have separator as part of column value')::text
    else separator || coalesce(value, '') end;

create function oracle.numtoyminterval(numeric, text) returns oracle.interval_ym language sql immutable strict return
  make_interval(months => round(case upper(trim($2)) when 'YEAR' then $1 * 12 when 'MONTH' then $1 else oracle.raise(1760, 'illegal argument for function')::text::numeric end)::int)::oracle.interval_ym;
create function oracle.to_yminterval(text) returns oracle.interval_ym language sql immutable strict return
  case when trim($1) ~ '^[+-]?\d{1,9}-\d{1,2}$' then (case when trim($1) like '-%' then -1 else 1 end
      * make_interval(years => split_part(ltrim(trim($1), '+-'), '-', 1)::int, months => split_part(ltrim(trim($1), '+-'), '-', 2)::int))::oracle.interval_ym
    else oracle.raise(1867, 'the interval is invalid')::text::interval::oracle.interval_ym end;
create function oracle.nls_upper(text) returns text language sql immutable strict return upper($1);
create function oracle.nls_lower(text) returns text language sql immutable strict return lower($1);
create function oracle.nls_initcap(text) returns text language sql immutable strict return initcap($1);
create function oracle.unistr(text) returns text language sql immutable strict return unistr($1);
create function oracle.width_bucket(numeric, numeric, numeric, numeric) returns numeric language sql immutable strict return width_bucket($1, $2, $3, $4::int)::numeric;

-- BOOLEAN: 0 is false, other numbers are true, as are some words.
create function oracle.number_boolean(numeric) returns boolean language sql immutable strict return $1 <> 0;
create cast (numeric as boolean) with function oracle.number_boolean(numeric) as assignment;
create function oracle.text_boolean(text) returns boolean language sql immutable strict return
  case when lower(trim($1)) in ('true', 'yes', 'on', 't', 'y', '1') then true when lower(trim($1)) in ('false', 'no', 'off', 'f', 'n', '0') then false
    else oracle.raise(61800, format('invalid boolean literal: %s', $1)) end;
create cast (text as boolean) with function oracle.text_boolean(text) as assignment;
create function oracle.varchar_boolean(varchar) returns boolean language sql immutable strict return oracle.text_boolean($1);
create cast (varchar as boolean) with function oracle.varchar_boolean(varchar) as assignment;
create function oracle.str(boolean) returns text language sql immutable strict return case when $1 then 'TRUE' else 'FALSE' end;
create function oracle.to_char(boolean) returns text language sql immutable strict return oracle.str($1);
