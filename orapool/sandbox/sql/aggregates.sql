-- Aggregates that Oracle has, and PostgreSQL has not. They serve as analytic functions too.

create aggregate oracle.avg(numeric) (sfunc = numeric_avg_accum, stype = internal, sspace = 128, finalfunc = numeric_avg);
create aggregate oracle.avg(float8) (sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, initcond = '{0,0,0}');
create function oracle.middle(numeric[]) returns numeric language sql immutable return (
  select trim_scale(avg(v)) from (select v, row_number() over (order by v) n, count(*) over () c from unnest($1) v where v is not null) s where n between c / 2.0 and c / 2.0 + 1);
create aggregate oracle.median(numeric) (sfunc = array_append, stype = numeric[], initcond = '{}', finalfunc = oracle.middle);

-- LISTAGG, and with ON OVERFLOW TRUNCATE: as many values as leave room for a separator, the indicator and 24 bytes of a count.
create function oracle.listagg_state(text, text, text) returns text language sql immutable return
  case when $2 is null then $1 when $1 is null then $2
    when octet_length($1) + octet_length($2) + coalesce(octet_length($3), 0) > 4000 then oracle.raise(1489, 'result of string concatenation is too long')::text
    else concat($1, $3, $2) end;
create aggregate oracle.listagg(text, text) (sfunc = oracle.listagg_state, stype = text);
create type oracle.listed as (whole text, kept text, number int, kept_number int, ending text, counts boolean);
create function oracle.listed_state(state oracle.listed, value text, separator text, indicator text, counts boolean) returns oracle.listed language plpgsql immutable as $$
begin
  if value is null then return state; end if;
  if state.number is null then
    state.number := 0; state.kept_number := 0; state.whole := ''; state.ending := indicator; state.counts := counts;
  elsif state.number = 1 then
    state.ending := concat(separator, indicator);
  end if;
  state.whole := concat(state.whole, case when state.number > 0 then separator end, value);
  state.number := state.number + 1;
  -- Beyond 4000 there is nothing to be kept, and the length is all that is known of the whole.
  if octet_length(state.whole) > 4000 then
    state.whole := repeat(' ', 4001);
  elsif octet_length(concat(state.whole, separator, indicator)) + (case when counts then 24 else 0 end) <= 4000 then
    state.kept := state.whole; state.kept_number := state.number;
  end if;
  return state;
end $$;
create function oracle.listed_text(oracle.listed) returns text language sql immutable return
  case when octet_length(($1).whole) <= 4000 then ($1).whole
    else concat(($1).kept, ($1).ending, case when ($1).counts then format('(%s)', ($1).number - ($1).kept_number) end) end;
create aggregate oracle.listagg_cut(text, text, text, boolean) (sfunc = oracle.listed_state, stype = oracle.listed, finalfunc = oracle.listed_text);

-- IGNORE NULLS: of a window's frame, the first and the last that is there, and of all that are there the one of a number.
create function oracle.first_of(anyelement, anyelement) returns anyelement language sql immutable strict as 'select $1';
create function oracle.last_of(anyelement, anyelement) returns anyelement language sql immutable strict as 'select $2';
create aggregate oracle.first_known(anyelement) (sfunc = oracle.first_of, stype = anyelement);
create aggregate oracle.last_known(anyelement) (sfunc = oracle.last_of, stype = anyelement);
create function oracle.nth(anyarray, int) returns anyelement language sql immutable as 'select $1[$2]';
create function oracle.nth_last(anyarray, int) returns anyelement language sql immutable as 'select $1[cardinality($1) + 1 - $2]';
-- The number of NTH_VALUE, and how far LAG and LEAD look.
create function oracle.place(numeric, bottom int) returns int language sql immutable return
  case when $1 >= bottom and $1 = trunc($1) then $1::int else oracle.raise(1428, format('argument ''%s'' is out of range', oracle.number_text($1)))::text::int end;
create function oracle.place_known(numeric) returns int language sql immutable return
  case when $1 = 0 then oracle.raise(3001, 'unimplemented feature: LAG and LEAD by 0 rows with IGNORE NULLS')::text::int else oracle.place($1, 1) end;

-- KEEP (DENSE_RANK FIRST ...) of sums: what is equal to the first in the texts of its keys, in the order of which all come.
create type oracle.kept as (key text[], total numeric, number bigint);
create type oracle.kept_float as (key text[], total float8, number bigint);
do $$
declare each record;
begin
  for each in select * from (values ('numeric', 'kept'), ('float8', 'kept_float'), ('float4', 'kept_float')) t (type, state) loop
    execute format('create function oracle.keep(state oracle.%2$s, value %1$s, key text[]) returns oracle.%2$s language plpgsql immutable as $f$
      begin
        if state.key is null then state.key := key; state.number := 0; elsif state.key is distinct from key then return state; end if;
        if value is not null then state.total := coalesce(state.total, 0) + value; state.number := state.number + 1; end if;
        return state;
      end $f$', each.type, each.state);
  end loop;
end $$;
create function oracle.kept_sum(oracle.kept) returns numeric language sql immutable return ($1).total;
create function oracle.kept_sum(oracle.kept_float) returns float8 language sql immutable return ($1).total;
create function oracle.kept_sum4(oracle.kept_float) returns float4 language sql immutable return ($1).total::float4;
create function oracle.kept_count(oracle.kept) returns numeric language sql immutable return coalesce(($1).number, 0)::numeric;
create function oracle.kept_avg(oracle.kept) returns numeric language sql immutable return case when ($1).number > 0 then oracle.div(($1).total, ($1).number::numeric) end;
create function oracle.kept_avg(oracle.kept_float) returns float8 language sql immutable return case when ($1).number > 0 then ($1).total / ($1).number end;
create aggregate oracle.keep_sum(numeric, text[]) (sfunc = oracle.keep, stype = oracle.kept, finalfunc = oracle.kept_sum);
create aggregate oracle.keep_sum(float8, text[]) (sfunc = oracle.keep, stype = oracle.kept_float, finalfunc = oracle.kept_sum);
create aggregate oracle.keep_sum(float4, text[]) (sfunc = oracle.keep, stype = oracle.kept_float, finalfunc = oracle.kept_sum4);
create aggregate oracle.keep_avg(numeric, text[]) (sfunc = oracle.keep, stype = oracle.kept, finalfunc = oracle.kept_avg);
create aggregate oracle.keep_avg(float8, text[]) (sfunc = oracle.keep, stype = oracle.kept_float, finalfunc = oracle.kept_avg);
create aggregate oracle.keep_count(numeric, text[]) (sfunc = oracle.keep, stype = oracle.kept, finalfunc = oracle.kept_count);
-- A text that is the same for values that are equal.
create function oracle.tie(numeric) returns text language sql immutable strict return trim_scale($1)::text;
create function oracle.tie(float8) returns text language sql immutable strict return ($1 + 0)::text;
create function oracle.tie(text) returns text language sql immutable strict return $1;
create function oracle.tie(bpchar) returns text language sql immutable strict return rtrim($1::text, ' ');
create function oracle.tie(oracle.date) returns text language sql immutable strict return extract(epoch from $1::timestamp)::text;
create function oracle.tie(timestamp) returns text language sql immutable strict return extract(epoch from $1)::text;
create function oracle.tie(timestamptz) returns text language sql immutable strict return extract(epoch from $1)::text;
create function oracle.tie(interval) returns text language sql immutable strict return extract(epoch from $1)::text;
create function oracle.tie(bytea) returns text language sql immutable strict return encode($1, 'hex');
create function oracle.tie(boolean) returns text language sql immutable strict return $1::text;
create function oracle.tie(tid) returns text language sql immutable strict return $1::text;
