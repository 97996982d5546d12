-- What DDL on temporary tables and materialized views calls.

create function oracle.is_temporary(name text) returns boolean language sql stable return
  exists (select from oracle.temporary_tables where relid = to_regclass(name));
create function oracle.add_temporary_table(view regclass, rows_ regclass, keeps boolean) returns void language sql as $$
  delete from oracle.temporary_tables t where not exists (select from pg_class c where c.oid = t.relid);
  insert into oracle.temporary_tables values (view, rows_, keeps);
$$;
-- At the end of a session, or of a transaction: the session's own rows.
create function oracle.forget_rows(at_end boolean) returns void language plpgsql as $$
declare target regclass;
begin
  for target in select t.rows::regclass from oracle.temporary_tables t join pg_class c on c.oid = t.rows where at_end or not t.keeps loop
    execute format('delete from %s where "~session" = pg_backend_pid()', target);
  end loop;
end $$;

create function oracle.refuse_change() returns trigger language plpgsql as $$
begin
  if coalesce(current_setting('oracle.refreshing', true), '') <> 'on' then
    perform oracle.raise(1732, 'data manipulation operation not legal on this view');
  end if;
  return null;
end $$;
create function oracle.add_materialized_view(target regclass, query text) returns void language sql as $$
  delete from oracle.materialized_views m where not exists (select from pg_class c where c.oid = m.relid);
  insert into oracle.materialized_views values (target, query);
$$;
create function oracle.check_materialized_view(name text) returns void language plpgsql as $$
begin
  if not exists (select from oracle.materialized_views where relid = to_regclass(name)) then
    perform oracle.raise(12003, format('materialized view %s does not exist', name));
  end if;
end $$;
-- The primary key of the table `source`, if its columns are among those that a query reads, as one of `target`.
create function oracle.add_key(target regclass, source oid, numbers int2[]) returns void language plpgsql as $$
declare names text;
begin
  select string_agg(quote_ident(a.attname), ', ' order by k.place) into names
    from pg_constraint c cross join lateral unnest(c.conkey) with ordinality as k (attnum, place)
      join pg_attribute a on a.attrelid = target and a.attnum = array_position(numbers, k.attnum)
   where c.conrelid = source and c.contype = 'p' and c.conkey <@ numbers;
  if names is not null then
    execute format('alter table %s add constraint "SYS_C%s" primary key (%s)', target, lpad(nextval('oracle.serials')::text, 7, '0'), names);
  end if;
end $$;
-- DBMS_MVIEW.REFRESH.
create function oracle.refresh(list text) returns void language plpgsql as $$
declare name text; found record;
begin
  perform set_config('oracle.refreshing', 'on', true);
  foreach name in array string_to_array(list, ',') loop
    select m.* into found from oracle.materialized_views m where m.relid = to_regclass((select string_agg(quote_ident(upper(trim(both ' "' from p))), '.') from unnest(string_to_array(name, '.')) p));
    if found.relid is null then
      perform oracle.raise(23401, format('materialized view "%s" does not exist', upper(trim(name))));
    end if;
    execute format('delete from %s', found.relid::regclass);
    execute format('insert into %s %s', found.relid::regclass, found.query);
  end loop;
  perform set_config('oracle.refreshing', '', true);
end $$;

-- Synonyms. A public one is hidden where the session's schema has an object of its name.
create function oracle.visible_synonyms(schema text) returns table (owner text, name text, table_owner text, table_name text, valid boolean, hidden boolean) language sql stable as $$
  select s.owner, s.name, s.table_owner, s.table_name, to_regclass(format('%I.%I', s.table_owner, s.table_name)) is not null, s.owner = 'PUBLIC' and to_regclass(format('%I.%I', schema, s.name)) is not null
    from oracle.synonyms s
$$;
create function oracle.add_synonym(of_owner text, called text, of_table_owner text, of_table text, replaces boolean) returns void language plpgsql as $$
begin
  if to_regclass(format('%I.%I', of_owner, called)) is not null or (not replaces and exists (select from oracle.synonyms where owner = of_owner and name = called)) then
    perform oracle.raise(955, 'name is already used by an existing object');
  end if;
  if of_owner = of_table_owner and called = of_table then perform oracle.raise(1471, 'cannot create a synonym with same name as object'); end if;
  insert into oracle.synonyms values (of_owner, called, of_table_owner, of_table)
    on conflict (owner, name) do update set table_owner = excluded.table_owner, table_name = excluded.table_name;
end $$;
create function oracle.drop_synonym(of_owner text, called text) returns void language plpgsql as $$
begin
  delete from oracle.synonyms where owner = of_owner and name = called;
  if not found then
    perform case of_owner when 'PUBLIC' then oracle.raise(1432, 'public synonym to be dropped does not exist') else oracle.raise(1434, 'private synonym to be dropped does not exist') end;
  end if;
end $$;

-- What GRANT and REVOKE name must be there.
create function oracle.check_object(of_owner text, called text) returns void language plpgsql as $$
begin
  if to_regclass(format('%I.%I', coalesce(of_owner, current_schema()), called)) is null and to_regclass(format('"SYS".%I', called)) is null
      and not exists (select from oracle.synonyms s where s.name = called and s.owner in (coalesce(of_owner, current_schema()), 'PUBLIC')) then
    perform oracle.raise(942, 'table or view does not exist');
  end if;
end $$;
create function oracle.check_grantee(called text) returns void language plpgsql as $$
begin
  if not exists (select from oracle.users u where u.username = called)
      and called not in ('CONNECT', 'RESOURCE', 'DBA', 'SELECT_CATALOG_ROLE', 'EXECUTE_CATALOG_ROLE', 'EXP_FULL_DATABASE', 'IMP_FULL_DATABASE', 'DATAPUMP_EXP_FULL_DATABASE', 'DATAPUMP_IMP_FULL_DATABASE') then
    perform oracle.raise(1917, format('user or role ''%s'' does not exist', called));
  end if;
end $$;

create function oracle.refuse_read_only() returns trigger language plpgsql as $$
begin
  perform oracle.raise(42399, 'cannot perform a DML operation on a read-only view');
  return null;
end $$;

-- MODIFY of a column that has values: to another type, or to fewer digits, is an error, as the values would not stay what they are.
create function oracle.check_modify(relation regclass, col text, new_name text, new_precision int, new_scale int, new_size int) returns boolean language plpgsql as $$
declare old oracle.column_types; filled boolean; longer boolean;
begin
  select t.* into old from oracle.column_types t join pg_attribute a on a.attrelid = t.relid and a.attnum = t.attnum where t.relid = relation and a.attname = col;
  if not found then return true; end if;
  execute format('select exists (select from %s where %I is not null)', relation, col) into filled;
  if not filled then return true; end if;
  if (old.type_name, new_name) in (('CHAR', 'VARCHAR2'), ('VARCHAR2', 'CHAR'), ('NCHAR', 'NVARCHAR2'), ('NVARCHAR2', 'NCHAR'), ('DATE', 'TIMESTAMP'), ('DATE', 'TIMESTAMP WITH LOCAL TIME ZONE'),
      ('TIMESTAMP', 'TIMESTAMP WITH LOCAL TIME ZONE')) then return true; end if;
  if old.type_name <> new_name then return oracle.raise(1439, 'column to be modified must be empty to change datatype'); end if;
  if new_name = 'NUMBER' and not (new_scale = -127 and new_precision = 0) then
    if (old.type_scale = -127) <> (new_scale = -127) or (old.type_scale = -127 and (old.type_precision = 0 or old.type_precision > new_precision))
        or (old.type_scale <> -127 and (new_scale < old.type_scale or new_precision - new_scale < old.type_precision - old.type_scale)) then
      return oracle.raise(1440, 'column to be modified must be empty to decrease precision or scale');
    end if;
  end if;
  if new_name in ('VARCHAR2', 'NVARCHAR2', 'RAW') and new_size < old.buffer_size then
    execute format('select exists (select from %s where octet_length(%I) > %s)', relation, col, case when new_name = 'NVARCHAR2' then 2 * new_size else new_size end) into longer;
    if longer then return oracle.raise(1441, 'cannot decrease column length because some value is too big'); end if;
  end if;
  if new_name in ('TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP WITH LOCAL TIME ZONE') and new_scale < old.type_scale then
    return oracle.raise(30082, 'datetime/interval column to be modified must be empty to decrease fractional second or leading field precision');
  end if;
  return true;
end $$;
