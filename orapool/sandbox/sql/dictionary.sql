-- Oracle's data dictionary, as views of PostgreSQL's and of our own catalogue.

create schema "SYS";
insert into oracle.users (username) values ('SYS'), ('SYSTEM'), ('PUBLIC');
create view "SYS"."DUAL" as select 'X'::varchar(1) as "DUMMY";

-- Tables and views of Oracle's users.
create view oracle.relations as
  select c.oid, n.nspname::varchar(128) as owner, oracle.full_name(c.relname) as name, case when t.relid is null then c.relkind else 'r' end as kind,
      coalesce(t.rows, c.oid) as rows, t.keeps, m.relid is not null as materialized
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join oracle.users u on u.username = n.nspname
      left join oracle.temporary_tables t on t.relid = c.oid left join oracle.materialized_views m on m.relid = c.oid
   where c.relkind in ('r', 'v', 'S', 'i') and c.relname not like '~%';

-- What a PostgreSQL type is in Oracle's dictionary, for columns without an entry in our catalogue.
create function oracle.type_name(oid) returns varchar(128) language sql stable return
  case format_type($1, null) when 'numeric' then 'NUMBER' when 'bigint' then 'NUMBER' when 'integer' then 'NUMBER' when 'smallint' then 'NUMBER'
    when 'oracle.date' then 'DATE' when 'oracle.clob' then 'CLOB' when 'oracle.blob' then 'BLOB' when 'oracle.nclob' then 'NCLOB'
    when 'bytea' then 'RAW' when 'double precision' then 'BINARY_DOUBLE' when 'real' then 'BINARY_FLOAT' when 'character' then 'CHAR'
    when 'timestamp without time zone' then 'TIMESTAMP(6)' when 'timestamp with time zone' then 'TIMESTAMP(6) WITH TIME ZONE' else 'VARCHAR2' end;

create view "SYS"."ALL_USERS" as
  select username::varchar(128) as "USERNAME", user_id::numeric as "USER_ID", created::oracle.date as "CREATED", 'NO'::varchar(3) as "COMMON",
    case when username in ('SYS', 'SYSTEM', 'PUBLIC') then 'Y' else 'N' end::varchar(1) as "ORACLE_MAINTAINED"
  from oracle.users where username <> 'PUBLIC';

create view "SYS"."ALL_TABLES" as
  select r.owner as "OWNER", r.name as "TABLE_NAME", case when r.keeps is null then 'USERS' end::varchar(30) as "TABLESPACE_NAME", null::varchar(128) as "CLUSTER_NAME",
    null::varchar(128) as "IOT_NAME", 'VALID'::varchar(8) as "STATUS", case when c.reltuples < 0 then null else c.reltuples::numeric end as "NUM_ROWS",
    c.relpages::numeric as "BLOCKS", 'NO'::varchar(3) as "PARTITIONED", null::varchar(12) as "IOT_TYPE", case when r.keeps is null then 'N' else 'Y' end::varchar(1) as "TEMPORARY",
    'NO'::varchar(3) as "NESTED", case when r.keeps then 'SYS$SESSION' when not r.keeps then 'SYS$TRANSACTION' end::varchar(15) as "DURATION", 'DISABLED'::varchar(8) as "COMPRESSION", null::varchar(30) as "COMPRESS_FOR",
    'NO'::varchar(3) as "DROPPED", 'NO'::varchar(3) as "READ_ONLY", 'YES'::varchar(3) as "SEGMENT_CREATED", null::oracle.date as "LAST_ANALYZED",
    case when exists (select from oracle.column_types t where t.relid = r.oid and t.identity is not null) then 'YES' else 'NO' end::varchar(3) as "HAS_IDENTITY"
  from oracle.relations r join pg_class c on c.oid = r.rows where r.kind = 'r';

create view "SYS"."ALL_VIEWS" as
  select r.owner as "OWNER", r.name as "VIEW_NAME", length(coalesce(o.text, ''))::numeric as "TEXT_LENGTH", o.text::varchar(4000) as "TEXT",
    o.text::varchar(4000) as "TEXT_VC", 'N'::varchar(1) as "READ_ONLY"
  from oracle.relations r left join oracle.objects o on o.relid = r.oid where r.kind = 'v';

create view "SYS"."ALL_MVIEWS" as
  select r.owner as "OWNER", r.name as "MVIEW_NAME", r.name as "CONTAINER_NAME", o.text::varchar(4000) as "QUERY", length(o.text)::numeric as "QUERY_LEN",
    'N'::varchar(1) as "UPDATABLE", 'N'::varchar(1) as "REWRITE_ENABLED", 'DEMAND'::varchar(6) as "REFRESH_MODE", 'FORCE'::varchar(8) as "REFRESH_METHOD",
    'IMMEDIATE'::varchar(9) as "BUILD_MODE"
  from oracle.relations r left join oracle.objects o on o.relid = r.oid where r.materialized;
create view "SYS"."ALL_MVIEW_COMMENTS" as
  select r.owner as "OWNER", r.name as "MVIEW_NAME", coalesce(obj_description(r.oid, 'pg_class'), format('snapshot table for snapshot %s.%s', r.owner, r.name))::varchar(4000) as "COMMENTS"
  from oracle.relations r where r.materialized;
create view "SYS"."ALL_SYNONYMS" as
  select s.owner::varchar(128) as "OWNER", oracle.full_name(s.name::name) as "SYNONYM_NAME", s.table_owner::varchar(128) as "TABLE_OWNER", oracle.full_name(s.table_name::name) as "TABLE_NAME",
    null::varchar(128) as "DB_LINK" from oracle.synonyms s;
create view "SYS"."ALL_DB_LINKS" as
  select null::varchar(128) as "OWNER", null::varchar(128) as "DB_LINK", null::varchar(128) as "USERNAME", null::varchar(2000) as "HOST" where false;

create view "SYS"."DBA_RECYCLEBIN" as
  select null::varchar(128) as "OWNER", null::varchar(128) as "OBJECT_NAME", null::varchar(128) as "ORIGINAL_NAME", null::varchar(9) as "OPERATION", null::varchar(25) as "TYPE",
    null::varchar(19) as "CREATETIME", null::varchar(19) as "DROPTIME", null::numeric as "SPACE" where false;
create view "SYS"."USER_RECYCLEBIN" as
  select "OBJECT_NAME", "ORIGINAL_NAME", "OPERATION", "TYPE", "CREATETIME", "DROPTIME", "SPACE" from "SYS"."DBA_RECYCLEBIN";
create view "SYS"."RECYCLEBIN" as select * from "SYS"."USER_RECYCLEBIN";

create view "SYS"."ALL_OBJECTS" as
  select r.owner as "OWNER", r.name as "OBJECT_NAME", null::varchar(128) as "SUBOBJECT_NAME", r.oid::int8::numeric as "OBJECT_ID", r.oid::int8::numeric as "DATA_OBJECT_ID",
    k.kind::varchar(23) as "OBJECT_TYPE",
    o.created::oracle.date as "CREATED", o.created::oracle.date as "LAST_DDL_TIME", 'VALID'::varchar(7) as "STATUS", case when r.keeps is null then 'N' else 'Y' end::varchar(1) as "TEMPORARY",
    'N'::varchar(1) as "GENERATED", 'N'::varchar(1) as "SECONDARY", case r.owner when 'SYS' then 'Y' else 'N' end::varchar(1) as "ORACLE_MAINTAINED"
  from oracle.relations r left join oracle.objects o on o.relid = r.oid
    cross join lateral (select case r.kind when 'r' then 'TABLE' when 'v' then 'VIEW' when 'S' then 'SEQUENCE' else 'INDEX' end as kind
      union all select 'MATERIALIZED VIEW' where r.materialized) k
  union all select s.owner::varchar(128), oracle.full_name(s.name::name), null, null, null, 'SYNONYM', s.created::oracle.date, s.created::oracle.date, 'VALID', 'N', 'N', 'N', 'N' from oracle.synonyms s;

create view "SYS"."ALL_SEQUENCES" as
  select s.schemaname::varchar(128) as "SEQUENCE_OWNER", oracle.full_name(s.sequencename) as "SEQUENCE_NAME", s.min_value::numeric as "MIN_VALUE",
    case when s.max_value = 9223372036854775807 then 9999999999999999999999999999::numeric else s.max_value end as "MAX_VALUE",
    s.increment_by::numeric as "INCREMENT_BY", case when s.cycle then 'Y' else 'N' end::varchar(1) as "CYCLE_FLAG", coalesce(substring(n.notes from 'ORDER=(.)'), 'N')::varchar(1) as "ORDER_FLAG",
    coalesce(substring(n.notes from 'CACHE=(\d+)'), '20')::numeric as "CACHE_SIZE", coalesce(s.last_value + s.increment_by, s.start_value)::numeric as "LAST_NUMBER", 'N'::varchar(1) as "SCALE_FLAG",
    'N'::varchar(1) as "EXTEND_FLAG", 'N'::varchar(1) as "SESSION_FLAG", 'N'::varchar(1) as "KEEP_VALUE"
  from pg_sequences s join oracle.users u on u.username = s.schemaname
    cross join lateral (select obj_description(format('%I.%I', s.schemaname, s.sequencename)::regclass, 'pg_class') as notes) n;

create view oracle.table_columns as
  select r.oid, r.owner, r.name, oracle.full_name(a.attname) as column_name, a.attnum, coalesce(b.attnotnull, a.attnotnull) as attnotnull, a.attgenerated <> '' as virtual, a.atttypid, a.atttypmod, t.type_name, t.buffer_size,
    t.char_size, t.char_used, t.data_precision, t.data_scale, t.default_text, t.identity, t.sequence_name, t.default_on_null, t.type_scale, t.type_precision, t.code,
    row_number() over (partition by r.oid order by a.attnum)::numeric as column_id
  from oracle.relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join oracle.column_types t on t.relid = r.oid and t.attnum = a.attnum
    left join pg_attribute b on r.keeps is not null and b.attrelid = r.rows and b.attname = a.attname
  where r.kind in ('r', 'v');

create view "SYS"."ALL_TAB_COLS" as
  select owner as "OWNER", name as "TABLE_NAME", column_name as "COLUMN_NAME",
    case when type_name = 'TIMESTAMP' then format('TIMESTAMP(%s)', type_scale) when type_name = 'TIMESTAMP WITH TIME ZONE' then format('TIMESTAMP(%s) WITH TIME ZONE', type_scale)
      when type_name = 'TIMESTAMP WITH LOCAL TIME ZONE' then format('TIMESTAMP(%s) WITH LOCAL TIME ZONE', type_scale)
      when type_name = 'INTERVAL DAY TO SECOND' then 'INTERVAL DAY(2) TO SECOND(6)' when type_name = 'INTERVAL YEAR TO MONTH' then 'INTERVAL YEAR(2) TO MONTH'
      when type_name = 'NUMBER' and type_scale = -127 and type_precision > 0 then 'FLOAT'
      else coalesce(type_name, oracle.type_name(atttypid)) end::varchar(128) as "DATA_TYPE",
    null::varchar(3) as "DATA_TYPE_MOD", null::varchar(128) as "DATA_TYPE_OWNER",
    coalesce(buffer_size, case when atttypid = 'varchar'::regtype and atttypmod > 4 then atttypmod - 4 when atttypid = 'numeric'::regtype then 22 else 4000 end)::numeric as "DATA_LENGTH",
    data_precision::numeric as "DATA_PRECISION", data_scale::numeric as "DATA_SCALE", case when attnotnull then 'N' else 'Y' end::varchar(1) as "NULLABLE",
    column_id as "COLUMN_ID", length(default_text)::numeric as "DEFAULT_LENGTH",
    coalesce(default_text, case when identity is not null then format('"%s"."%s".nextval', owner, sequence_name) end)::varchar(4000) as "DATA_DEFAULT",
    case when char_used is not null then 'CHAR_CS' end::varchar(44) as "CHARACTER_SET_NAME", char_size::numeric as "CHAR_COL_DECL_LENGTH",
    (case when char_used is null and code not in (1, 96) then 0 else coalesce(char_size, 0) end)::numeric as "CHAR_LENGTH", char_used::varchar(1) as "CHAR_USED",
    'NO'::varchar(3) as "HIDDEN_COLUMN", case when virtual then 'YES' else 'NO' end::varchar(3) as "VIRTUAL_COLUMN", column_id as "SEGMENT_COLUMN_ID", column_id as "INTERNAL_COLUMN_ID",
    'YES'::varchar(3) as "USER_GENERATED", case when default_on_null then 'YES' else 'NO' end::varchar(3) as "DEFAULT_ON_NULL",
    case when identity is not null then 'YES' else 'NO' end::varchar(3) as "IDENTITY_COLUMN", null::numeric as "NUM_DISTINCT", null::numeric as "NUM_NULLS"
  from oracle.table_columns;
create view "SYS"."ALL_TAB_COLUMNS" as select * from "SYS"."ALL_TAB_COLS";

create view "SYS"."ALL_TAB_IDENTITY_COLS" as
  select c.owner as "OWNER", c.name as "TABLE_NAME", c.column_name as "COLUMN_NAME", c.identity::varchar(10) as "GENERATION_TYPE", c.sequence_name::varchar(128) as "SEQUENCE_NAME",
    format('START WITH: %s, INCREMENT BY: %s, MAX_VALUE: %s, MIN_VALUE: %s, CYCLE_FLAG: %s, CACHE_SIZE: %s, ORDER_FLAG: %s, SCALE_FLAG: N, EXTEND_FLAG: N, SESSION_FLAG: N, KEEP_VALUE: N',
      s.start_value, s.increment_by, q."MAX_VALUE", s.min_value, q."CYCLE_FLAG", q."CACHE_SIZE", q."ORDER_FLAG")::varchar(298) as "IDENTITY_OPTIONS"
  from oracle.table_columns c join pg_sequences s on s.schemaname = c.owner and s.sequencename = c.sequence_name
    join "SYS"."ALL_SEQUENCES" q on q."SEQUENCE_OWNER" = c.owner and q."SEQUENCE_NAME" = c.sequence_name
  where c.identity is not null;

create view "SYS"."ALL_TAB_COMMENTS" as
  select r.owner as "OWNER", r.name as "TABLE_NAME", case r.kind when 'r' then 'TABLE' else 'VIEW' end::varchar(11) as "TABLE_TYPE",
    obj_description(r.oid, 'pg_class')::varchar(4000) as "COMMENTS" from oracle.relations r where r.kind in ('r', 'v') and not r.materialized;
create view "SYS"."ALL_COL_COMMENTS" as
  select owner as "OWNER", name as "TABLE_NAME", column_name as "COLUMN_NAME", col_description(oid, attnum)::varchar(4000) as "COMMENTS" from oracle.table_columns;

-- Constraints; those that keep a column's length (named ~COLUMN) are our own affair, and so is NOT NULL under a primary key.
create view oracle.constraints as
  select k.oid, r.rows as relid, r.owner, r.name, oracle.full_name(k.conname) as constraint_name, k.contype, k.conkey, k.confkey, k.confrelid, k.conindid, k.confdeltype,
    k.condeferrable, k.condeferred
  from pg_constraint k join oracle.relations r on r.rows = k.conrelid
  where k.contype in ('p', 'u', 'f', 'c', 'n') and k.conname not like '~%'
    and not (k.contype = 'n' and exists (select from pg_constraint p where p.conrelid = k.conrelid and p.contype = 'p' and k.conkey[1] = any (p.conkey)));
create view "SYS"."ALL_CONSTRAINTS" as
  select k.owner as "OWNER", k.constraint_name as "CONSTRAINT_NAME", case k.contype when 'p' then 'P' when 'u' then 'U' when 'f' then 'R' else 'C' end::varchar(1) as "CONSTRAINT_TYPE",
    k.name as "TABLE_NAME",
    (case k.contype when 'n' then format('"%s" IS NOT NULL', (select oracle.full_name(attname) from pg_attribute where attrelid = k.relid and attnum = k.conkey[1]))
      when 'c' then coalesce(obj_description(k.oid, 'pg_constraint'), pg_get_expr((select conbin from pg_constraint where oid = k.oid), k.relid)) end)::varchar(4000) as "SEARCH_CONDITION",
    null::varchar(4000) as "SEARCH_CONDITION_VC", t.owner as "R_OWNER", t.constraint_name as "R_CONSTRAINT_NAME",
    case when k.contype = 'f' then case k.confdeltype when 'c' then 'CASCADE' when 'n' then 'SET NULL' else 'NO ACTION' end end::varchar(9) as "DELETE_RULE",
    'ENABLED'::varchar(8) as "STATUS", case when k.condeferrable then 'DEFERRABLE' else 'NOT DEFERRABLE' end::varchar(14) as "DEFERRABLE",
    case when k.condeferred then 'DEFERRED' else 'IMMEDIATE' end::varchar(9) as "DEFERRED", 'VALIDATED'::varchar(13) as "VALIDATED",
    case when k.constraint_name like 'SYS\_C%' then 'GENERATED NAME' else 'USER NAME' end::varchar(14) as "GENERATED",
    case when k.contype in ('p', 'u') then k.owner end as "INDEX_OWNER", case when k.contype in ('p', 'u') then k.constraint_name end as "INDEX_NAME"
  from oracle.constraints k left join oracle.constraints t on k.contype = 'f' and t.relid = k.confrelid and t.conindid = k.conindid and t.contype in ('p', 'u');
create view "SYS"."ALL_CONS_COLUMNS" as
  select k.owner as "OWNER", k.constraint_name as "CONSTRAINT_NAME", k.name as "TABLE_NAME", oracle.full_name(a.attname)::varchar(4000) as "COLUMN_NAME",
    case when k.contype in ('p', 'u', 'f') then c.place::numeric end as "POSITION"
  from oracle.constraints k cross join lateral unnest(k.conkey) with ordinality as c (attnum, place)
    join pg_attribute a on a.attrelid = k.relid and a.attnum = c.attnum and a.attname <> '~session';

create view oracle.indexes as
  select i.indexrelid, i.indrelid, x.owner, x.name, t.owner as table_owner, t.name as table_name, i.indisunique, i.indkey, i.indoption, i.indexprs is not null as functional
  from pg_index i join oracle.relations x on x.oid = i.indexrelid join oracle.relations t on t.rows = i.indrelid;
create view "SYS"."ALL_INDEXES" as
  select owner as "OWNER", name as "INDEX_NAME", case when functional or exists (select from unnest(indoption) o where o & 1 = 1) then 'FUNCTION-BASED NORMAL' else 'NORMAL' end::varchar(27) as "INDEX_TYPE",
    table_owner as "TABLE_OWNER", table_name as "TABLE_NAME", 'TABLE'::varchar(11) as "TABLE_TYPE", case when indisunique then 'UNIQUE' else 'NONUNIQUE' end::varchar(9) as "UNIQUENESS",
    'DISABLED'::varchar(13) as "COMPRESSION", null::numeric as "PREFIX_LENGTH", 'USERS'::varchar(30) as "TABLESPACE_NAME", 'VALID'::varchar(8) as "STATUS",
    'NO'::varchar(3) as "PARTITIONED", 'N'::varchar(1) as "TEMPORARY", 'N'::varchar(1) as "GENERATED", 'VISIBLE'::varchar(9) as "VISIBILITY"
  from oracle.indexes;
create view oracle.index_columns as
  select i.*, c.place, c.attnum, (i.indoption[c.place - 1] & 1) = 1 as descending
  from oracle.indexes i cross join lateral unnest(i.indkey::int2[]) with ordinality as c (attnum, place)
  where not exists (select from pg_attribute a where a.attrelid = i.indrelid and a.attnum = c.attnum and a.attname = '~session');
create view "SYS"."ALL_IND_COLUMNS" as
  select i.owner as "INDEX_OWNER", i.name as "INDEX_NAME", i.table_owner as "TABLE_OWNER", i.table_name as "TABLE_NAME",
    (case when i.attnum = 0 or i.descending then format('SYS_NC%s$', lpad((i.place + 1)::text, 5, '0')) else oracle.full_name(a.attname)::text end)::varchar(4000) as "COLUMN_NAME",
    i.place::numeric as "COLUMN_POSITION", 4000::numeric as "COLUMN_LENGTH", 0::numeric as "CHAR_LENGTH", case when i.descending then 'DESC' else 'ASC' end::varchar(4) as "DESCEND"
  from oracle.index_columns i left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.attnum;
create view "SYS"."ALL_IND_EXPRESSIONS" as
  select i.owner as "INDEX_OWNER", i.name as "INDEX_NAME", i.table_owner as "TABLE_OWNER", i.table_name as "TABLE_NAME",
    (case when i.attnum = 0 then coalesce(nullif(split_part(obj_description(i.indexrelid, 'pg_class'), E'\n', i.place::int), ''), pg_get_indexdef(i.indexrelid, i.place::int, true)) else '"' || oracle.full_name(a.attname)::text || '"' end)::varchar(4000) as "COLUMN_EXPRESSION",
    i.place::numeric as "COLUMN_POSITION"
  from oracle.index_columns i left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.attnum
  where i.attnum = 0 or i.descending;

-- USER_ and DBA_ are ALL_ with and without the owner.
do $$
declare item record; names text;
begin
  for item in select * from (values ('TABLES', 'OWNER'), ('VIEWS', 'OWNER'), ('MVIEWS', 'OWNER'), ('SYNONYMS', 'OWNER'), ('DB_LINKS', 'OWNER'), ('OBJECTS', 'OWNER'),
      ('SEQUENCES', 'SEQUENCE_OWNER'), ('TAB_COLS', 'OWNER'), ('TAB_COLUMNS', 'OWNER'), ('TAB_IDENTITY_COLS', 'OWNER'), ('TAB_COMMENTS', 'OWNER'), ('COL_COMMENTS', 'OWNER'),
      ('CONSTRAINTS', 'OWNER'), ('CONS_COLUMNS', 'OWNER'), ('INDEXES', 'OWNER'), ('IND_COLUMNS', 'INDEX_OWNER'), ('IND_EXPRESSIONS', 'INDEX_OWNER'), ('MVIEW_COMMENTS', 'OWNER')) as v (name, owner) loop
    -- USER_CONSTRAINTS and USER_CONS_COLUMNS keep their owner.
    select string_agg(quote_ident(attname), ', ' order by attnum) into names from pg_attribute
      where attrelid = format('"SYS"."ALL_%s"', item.name)::regclass and attnum > 0 and (attname <> item.owner or item.name like 'CONS%');
    execute format('create view "SYS"."DBA_%s" as select * from "SYS"."ALL_%s"', item.name, item.name);
    execute format('create view "SYS"."USER_%s" as select %s from "SYS"."ALL_%s" where "%s" = oracle.user_()', item.name, names, item.name, item.owner);
  end loop;
end $$;
create view "SYS"."DBA_USERS" as select *, 'OPEN'::varchar(32) as "ACCOUNT_STATUS" from "SYS"."ALL_USERS";
create view "SYS"."USER_USERS" as select * from "SYS"."ALL_USERS" where "USERNAME" = oracle.user_();

-- V$ views. Their names are the synonyms that clients use; V_$ are what these stand for.
create view "SYS"."V$VERSION" as select 'Oracle-compatible sandbox of orapool (PostgreSQL inside), not an Oracle database'::varchar(80) as "BANNER",
  'orapool sandbox, not an Oracle database; speaks as release 19.0.0.0.0'::varchar(160) as "BANNER_FULL", 'orapool sandbox, not an Oracle database'::varchar(80) as "BANNER_LEGACY", 0::numeric as "CON_ID";
create view "SYS"."V$INSTANCE" as select 1::numeric as "INSTANCE_NUMBER", 'ORAPOOL'::varchar(16) as "INSTANCE_NAME", 'localhost'::varchar(64) as "HOST_NAME",
  '19.0.0.0.0'::varchar(17) as "VERSION", '19.3.0.0.0'::varchar(17) as "VERSION_FULL", (pg_postmaster_start_time() at time zone oracle.host_zone())::oracle.date as "STARTUP_TIME",
  'OPEN'::varchar(12) as "STATUS", 'NO'::varchar(3) as "PARALLEL", 'ACTIVE'::varchar(17) as "DATABASE_STATUS", 'PRIMARY_INSTANCE'::varchar(18) as "INSTANCE_ROLE", 'ALLOWED'::varchar(10) as "LOGINS";
create view "SYS"."V$DATABASE" as select 1::numeric as "DBID", 'ORAPOOL'::varchar(9) as "NAME", 'READ WRITE'::varchar(20) as "OPEN_MODE", 'PRIMARY'::varchar(16) as "DATABASE_ROLE",
  'ORAPOOL'::varchar(30) as "DB_UNIQUE_NAME", oracle.current_scn() as "CURRENT_SCN";
create view "SYS"."V$PARAMETER" as select row_number() over ()::numeric as "NUM", p.name::varchar(80) as "NAME", p.value::varchar(4000) as "VALUE", p.value::varchar(4000) as "DISPLAY_VALUE"
  from (values ('compatible', '19.0.0'), ('db_name', 'ORAPOOL'), ('open_cursors', '300'), ('processes', '500'), ('sessions', '500'), ('max_string_size', 'STANDARD'),
    ('nls_language', 'AMERICAN'), ('nls_territory', 'AMERICA'), ('service_names', 'ORAPOOL')) as p (name, value);
create view "SYS"."V$RESOURCE_LIMIT" as select p."NAME"::varchar(30) as "RESOURCE_NAME", c.used as "CURRENT_UTILIZATION", c.used as "MAX_UTILIZATION",
    lpad(p."VALUE", 10)::varchar(10) as "INITIAL_ALLOCATION", lpad(p."VALUE", 10)::varchar(10) as "LIMIT_VALUE"
  from "SYS"."V$PARAMETER" p cross join (select count(*)::numeric as used from oracle.sessions) c where p."NAME" in ('processes', 'sessions');
create view "SYS"."NLS_SESSION_PARAMETERS" as select p.name::varchar(128) as "PARAMETER", p.value::varchar(64) as "VALUE"
  from (values ('NLS_LANGUAGE', 'AMERICAN'), ('NLS_TERRITORY', 'AMERICA'), ('NLS_CURRENCY', '$'), ('NLS_ISO_CURRENCY', 'AMERICA'), ('NLS_NUMERIC_CHARACTERS', '.,'),
    ('NLS_CALENDAR', 'GREGORIAN'), ('NLS_DATE_FORMAT', oracle.date_format()), ('NLS_DATE_LANGUAGE', 'AMERICAN'), ('NLS_SORT', 'BINARY'),
    ('NLS_TIMESTAMP_FORMAT', oracle.timestamp_format()), ('NLS_TIMESTAMP_TZ_FORMAT', oracle.timestamp_tz_format()), ('NLS_COMP', 'BINARY'),
    ('NLS_LENGTH_SEMANTICS', 'BYTE')) as p (name, value);
create view "SYS"."NLS_DATABASE_PARAMETERS" as
  select "PARAMETER", (case "PARAMETER" when 'NLS_DATE_FORMAT' then 'DD-MON-RR' when 'NLS_TIMESTAMP_FORMAT' then 'DD-MON-RR HH.MI.SSXFF AM'
    when 'NLS_TIMESTAMP_TZ_FORMAT' then 'DD-MON-RR HH.MI.SSXFF AM TZR' else "VALUE" end)::varchar(64) as "VALUE" from "SYS"."NLS_SESSION_PARAMETERS"
  union all select p.name::varchar(128), p.value::varchar(64) from (values ('NLS_CHARACTERSET', 'AL32UTF8'), ('NLS_NCHAR_CHARACTERSET', 'AL16UTF16')) as p (name, value);
create view "SYS"."V$NLS_PARAMETERS" as select "PARAMETER"::varchar(64) as "PARAMETER", "VALUE", 0::numeric as "CON_ID" from "SYS"."NLS_SESSION_PARAMETERS"
  union all select p.name::varchar(64), p.value::varchar(64), 0::numeric from (values ('NLS_CHARACTERSET', 'AL32UTF8'), ('NLS_NCHAR_CHARACTERSET', 'AL16UTF16')) as p (name, value);
create view "SYS"."ALL_EDITIONS" as select name::varchar(128) as "EDITION_NAME", parent::varchar(128) as "PARENT_EDITION_NAME", 'YES'::varchar(3) as "USABLE" from oracle.editions;
create view "SYS"."DBA_EDITIONS" as select * from "SYS"."ALL_EDITIONS";
create view "SYS"."PRODUCT_COMPONENT_VERSION" as select 'orapool sandbox'::varchar(80) as "PRODUCT", '19.0.0.0.0'::varchar(80) as "VERSION", '19.3.0.0.0'::varchar(80) as "VERSION_FULL", 'not an Oracle Database'::varchar(80) as "STATUS";

-- What sessions do, by the last that was told of it: see activity.py.
create view oracle.activities as select a.* from json_to_recordset(coalesce(nullif(current_setting('oracle.activities', true), ''), '[]')::json)
  as a (sid int, active boolean, seconds numeric, sql_id text, sql_text text, sql_start float8, prev_id text, prev_text text, prev_start float8);
create view "SYS"."V$SQL" as
  select t.sql_id::varchar(13) as "SQL_ID", 0::numeric as "CHILD_NUMBER", left(t.sql_text, 1000)::varchar(1000) as "SQL_TEXT", t.sql_text::varchar(32767) as "SQL_FULLTEXT"
  from (select distinct on (u.sql_id) u.* from (select sql_id, sql_text from oracle.activities union all select prev_id, prev_text from oracle.activities) u
    where u.sql_id is not null) t;
create view "SYS"."V$SESSION" as
  select s.sid::numeric as "SID", s.serial::numeric as "SERIAL#", s.sid::numeric as "AUDSID", s.username::varchar(128) as "USERNAME",
    case when a.state = 'active' or t.active then 'ACTIVE' else 'INACTIVE' end::varchar(8) as "STATUS", s.server::varchar(9) as "SERVER", s.schemaname::varchar(128) as "SCHEMANAME",
    nullif(s.osuser, '')::varchar(128) as "OSUSER", nullif(s.process, '')::varchar(24) as "PROCESS", nullif(s.machine, '')::varchar(64) as "MACHINE", nullif(s.port, 0)::numeric as "PORT",
    nullif(s.terminal, '')::varchar(30) as "TERMINAL", nullif(s.program, '')::varchar(84) as "PROGRAM", 'USER'::varchar(10) as "TYPE",
    t.sql_id::varchar(13) as "SQL_ID", case when t.sql_id is null then null else 0::numeric end as "SQL_CHILD_NUMBER",
    oracle.local_date(to_timestamp(t.sql_start)) as "SQL_EXEC_START", oracle.local_date(to_timestamp(t.prev_start)) as "PREV_EXEC_START",
    t.prev_id::varchar(13) as "PREV_SQL_ID", case when t.prev_id is null then null else 0::numeric end as "PREV_CHILD_NUMBER",
    nullif(s.module, '')::varchar(64) as "MODULE", nullif(s.action, '')::varchar(64) as "ACTION", nullif(s.client_info, '')::varchar(64) as "CLIENT_INFO",
    nullif(s.client_identifier, '')::varchar(64) as "CLIENT_IDENTIFIER", s.logon_time::oracle.date as "LOGON_TIME",
    coalesce(t.seconds, trunc(extract(epoch from statement_timestamp() - a.state_change))) as "LAST_CALL_ET", s.service_name::varchar(64) as "SERVICE_NAME",
    (select b.sid::numeric from oracle.sessions b where b.pid = any (pg_blocking_pids(s.pid)) limit 1) as "BLOCKING_SESSION",
    case when a.wait_event_type = 'Lock' then 'enq: TX - row lock contention' when a.state = 'active' then 'CPU' else 'SQL*Net message from client' end::varchar(64) as "EVENT",
    case when a.xact_start is null then null else '00'::varchar(16) end as "TADDR"
  from oracle.sessions s join pg_stat_activity a on a.pid = s.pid left join oracle.activities t on t.sid = s.sid;
create view "SYS"."GV$SESSION" as select 1::numeric as "INST_ID", s.* from "SYS"."V$SESSION" s;
create view "SYS"."GV$SQL" as select 1::numeric as "INST_ID", s.* from "SYS"."V$SQL" s;
create view "SYS"."USER_RESOURCE_LIMITS" as select r.name::varchar(32) as "RESOURCE_NAME",
    coalesce(coalesce(nullif(current_setting('oracle.limits', true), ''), '{}')::json ->> r.name, 'UNLIMITED')::varchar(40) as "LIMIT"
  from (values ('COMPOSITE_LIMIT'), ('SESSIONS_PER_USER'), ('CPU_PER_SESSION'), ('CPU_PER_CALL'), ('LOGICAL_READS_PER_SESSION'), ('LOGICAL_READS_PER_CALL'), ('IDLE_TIME'),
    ('CONNECT_TIME'), ('PRIVATE_SGA')) as r (name);
create view "SYS"."V$TRANSACTION" as select 1::numeric as "XIDUSN", 0::numeric as "XIDSLOT", (pg_current_xact_id_if_assigned()::text)::numeric as "XIDSQN", 'ACTIVE'::varchar(16) as "STATUS",
  case when current_setting('transaction_isolation') = 'repeatable read' then 268435456 else 0 end::numeric as "FLAG" where pg_current_xact_id_if_assigned() is not null;
do $$
declare name text;
begin
  foreach name in array array['VERSION', 'INSTANCE', 'DATABASE', 'PARAMETER', 'RESOURCE_LIMIT', 'NLS_PARAMETERS', 'SESSION', 'SQL', 'TRANSACTION'] loop
    execute format('create view "SYS"."V_$%s" as select * from "SYS"."V$%s"', name, name);
  end loop;
end $$;
