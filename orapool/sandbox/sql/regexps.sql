-- Regular expressions: a point is no newline unless told ('n'), ^ and $ are of the whole text unless told ('m').
create function oracle.regexp_pattern(pattern text, flags text) returns text language plpgsql immutable as $$
declare made text := ''; at int := 1; part text;
begin
  if coalesce(flags, '') like '%n%' or strpos(pattern, '.') = 0 then return pattern; end if;
  while at <= length(pattern) loop
    part := (regexp_match(substr(pattern, at), '^(\\.|\[\^?\]?(?:\[:\w+:\]|[^]])*\]|.)', 's'))[1];
    made := made || case when part = '.' then '[^' || E'\n' || ']' else part end;
    at := at + length(part);
  end loop;
  return made;
end $$;
create function oracle.regexp_flags(flags text) returns text language plpgsql immutable as $$
begin
  if flags !~ '^[icnmx]*$' then perform oracle.raise(1760, 'illegal argument for function'); end if;
  return replace(replace(coalesce(flags, ''), 'n', ''), 'm', 'w');
end $$;
do $$
declare signature record;
begin
  -- PostgreSQL's own have the same arguments; each may be left out from the end.
  for signature in select * from (values ('like', 'boolean', 'regexp_like($1, oracle.regexp_pattern($2, %flags%), oracle.regexp_flags(%flags%))', array['text'], 3),
      ('count', 'numeric', 'regexp_count($1, oracle.regexp_pattern($2, %flags%), %3%, oracle.regexp_flags(%flags%))::numeric', array['numeric', 'text'], 4),
      ('substr', 'text', 'nullif(regexp_substr($1, oracle.regexp_pattern($2, %flags%), %3%, %4%, oracle.regexp_flags(%flags%), %6%), '''')', array['numeric', 'numeric', 'text', 'numeric'], 5),
      ('instr', 'numeric', 'regexp_instr($1, oracle.regexp_pattern($2, %flags%), %3%, %4%, %5%, oracle.regexp_flags(%flags%), %6%)::numeric', array['numeric', 'numeric', 'numeric', 'text', 'numeric'], 6)) s (name, result, body, more, flags) loop
    for count in 0 .. array_length(signature.more, 1) loop
      declare
        body text := signature.body; place int; usual text;
        strict_ text := case when count + 2 >= signature.flags then '' else ' strict' end;
      begin
        body := replace(body, '%flags%', case when count + 2 >= signature.flags then '$' || signature.flags else 'null' end);
        for place in 3 .. 5 loop
          usual := case when place = 5 then '0' else '1' end;
          body := replace(body, format('%%%s%%', place), case when count + 2 >= place then format('$%s::int', place) else usual end);
        end loop;
        -- The number of a subexpression comes last.
        body := replace(body, '%6%', case when count = array_length(signature.more, 1) then format('$%s::int', count + 2) else '0' end);
        execute format('create function oracle.regexp_%s(%s) returns %s language sql immutable%s return %s', signature.name,
          array_to_string(array['text', 'text'] || signature.more[1:count], ', '), signature.result, strict_, body);
      end;
    end loop;
  end loop;
end $$;
create function oracle.regexp_replace(value text, pattern text, by text default '', start numeric default 1, occurrence numeric default 0, flags text default null)
  returns text language sql immutable return
  case when pattern is null then value else nullif(regexp_replace(value, oracle.regexp_pattern(pattern, flags), coalesce(by, ''), start::int, occurrence::int, oracle.regexp_flags(flags)), '') end;
