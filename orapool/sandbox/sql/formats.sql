-- The formats of TO_CHAR, TO_DATE, TO_TIMESTAMP and TO_NUMBER, element by element: what is no element is an error.

-- The elements of a format for dates, in capitals; texts begin with a quote, FM and FX stand before what they change.
create function oracle.format_elements(format text) returns text[] language plpgsql immutable strict as $$
declare
  rest text := format; found text; elements text[] := '{}';
  known constant text := '^(SYYYY|Y,YYY|YYYY|YYY|YY|Y(?!EAR)|RRRR|RR|IYYY|IYY|IY|I(?!W)|MONTH|MON|MM|MI|RM|DAY|DY|DDD|DD|DL|DS|D|J|Q|WW|W|IW|HH24|HH12|HH|SSSSS|SS|FF[1-9]?'
    '|X|A\.M\.|P\.M\.|AM|PM|A\.D\.|B\.C\.|AD|BC|SCC|CC|SYEAR|YEAR|TZH|TZM|TZR|TZD|TS|EE|E|FM|FX)(SPTH|THSP|SP|TH)?';
begin
  while rest <> '' loop
    if left(rest, 1) = '"' then
      if strpos(substr(rest, 2), '"') = 0 then perform oracle.raise(1821, 'date format not recognized'); end if;
      found := left(rest, strpos(substr(rest, 2), '"') + 1);
      elements := elements || ('"' || btrim(found, '"'));
    elsif left(rest, 1) ~ '[-/,.;: ]' then
      found := left(rest, 1);
      elements := elements || found;
    else
      found := (regexp_match(rest, known, 'i'))[1] || coalesce((regexp_match(rest, known, 'i'))[2], '');
      if found is null then perform oracle.raise(1821, 'date format not recognized'); end if;
      if upper(found) ~ '^(SYYYY|Y,YYY|SYEAR|YEAR|DL|DS|TS|EE|E|SCC|TZD)$|SP' then
        perform oracle.raise(3001, format('unimplemented feature: %s in a date format', upper(found)));
      end if;
      elements := elements || found;
    end if;
    rest := substr(rest, length(found) + 1);
  end loop;
  return elements;
end $$;

-- The same in PostgreSQL's letters. SSSSS, which that does not pad, is a mark.
create function oracle.datetime_format(format text) returns text language plpgsql immutable strict as $$
declare
  element text; upper_ text; made text := ''; fill text := '';
begin
  if format in ('DD-MON-RR', 'YYYY-MM-DD', 'YYYY-MM-DD HH24:MI:SS') then return replace(format, 'RR', 'YY'); end if;
  foreach element in array oracle.format_elements(format) loop
    upper_ := upper(element);
    if left(element, 1) = '"' then made := made || '"' || replace(substr(element, 2), '\', '\\') || '"';
    elsif element ~ '^[-/,.;: ]$' then made := made || element;
    elsif upper_ = 'FM' then fill := case when fill = '' then 'FM' else '' end;
    elsif upper_ = 'FX' then null;
    elsif upper_ = 'X' then made := made || '.';
    elsif upper_ = 'SSSSS' then made := made || E'"\x03"';
    elsif upper_ = 'TZR' then made := made || 'TZH:TZM';
    elsif upper_ = 'FF' then made := made || 'US';
    elsif upper_ ~ '^FF[789]$' then made := made || 'US"' || repeat('0', right(upper_, 1)::int - 6) || '"';
    elsif upper_ in ('MONTH', 'MON', 'DAY', 'DY') or upper_ ~ '^[AP]\.?[MDC]' or upper_ ~ '^BC|^B\.C' or upper_ = 'RM' then
      made := made || fill || case when left(element, 2) = upper(left(element, 2)) then upper_
        when left(element, 1) = upper(left(element, 1)) and length(upper_) > 2 then initcap(element) when upper_ = 'DY' and left(element, 1) = 'D' then 'Dy' else lower(element) end;
    else
      made := made || fill || replace(replace(regexp_replace(upper_, 'TH$', ''), 'RRRR', 'YYYY'), 'RR', 'YY')
        || case when upper_ like '%TH' then case when element = upper_ then 'TH' else 'th' end else '' end;
    end if;
  end loop;
  return made;
end $$;
-- By PostgreSQL's format.
create function oracle.format_datetime(timestamptz, text) returns text language plpgsql stable strict as $$
begin
  if strpos($2, E'\x03') = 0 then return to_char($1, $2); end if;
  return replace(to_char($1, $2), E'\x03', lpad(extract(epoch from date_trunc('second', $1::timestamp) - date_trunc('day', $1::timestamp))::int::text, 5, '0'));
end $$;

-- For formats of full dates, of what is written most: a regular expression of texts that PostgreSQL reads as Oracle does,
-- days that every month has among them, and its format. Null for others. Of a constant, made once for all rows.
create function oracle.quick_format(format text) returns text[] language plpgsql immutable strict as $$
declare element text; pattern text := '';
begin
  if upper(format) !~ 'YYYY|RR' or upper(format) !~ 'MM|MON' or upper(format) !~ 'DD' then return null; end if;
  foreach element in array oracle.format_elements(format) loop
    pattern := pattern || case upper(element) when 'YYYY' then '[1-9]\d{3}' when 'RR' then '(?:[0-4]\d|[7-9]\d)' when 'MM' then '(?:0[1-9]|1[0-2])'
      when 'MON' then '(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)' when 'DD' then '(?:0[1-9]|1\d|2[0-8])' when 'HH24' then '(?:[01]\d|2[0-3])'
      when 'MI' then '[0-5]\d' when 'SS' then '[0-5]\d' when '-' then '-' when '/' then '/' when '.' then '\.' when ',' then ',' when ':' then ':' when ' ' then ' ' end;
  end loop;
  return case when pattern is not null then array['^' || pattern || '$', oracle.datetime_format(format)] end;
end $$;
-- The same of the formats that sessions have most, which are no constants.
create function oracle.quick_session_format(text) returns text[] language sql immutable strict return
  case $1 when 'DD-MON-RR' then array['^(?:0[1-9]|1\d|2[0-8])-(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)-(?:[0-4]\d|[7-9]\d)$', 'DD-MON-YY']
    when 'YYYY-MM-DD' then array['^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])$', 'YYYY-MM-DD']
    when 'YYYY-MM-DD HH24:MI:SS' then array['^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$', 'YYYY-MM-DD HH24:MI:SS'] end;

-- A text as a time, with the seconds that its zone is ahead of UTC (null without one).
create type oracle.zoned as (moment timestamp, ahead int);
create function oracle.parse_datetime(value text, format text, quick text[]) returns oracle.zoned language plpgsql stable as $$
#variable_conflict use_variable
declare
  rest text := value; element text; digits text; exact boolean := false; found text; at int;
  now_ timestamp := (statement_timestamp() at time zone oracle.host_zone());
  year int; month int; day int; of_year int; julian int; hour int; hour12 int; minute int; second int; of_day int; afternoon boolean; before boolean;
  micros int := 0; zone_sign int := 1; zone_hours int; zone_minutes int; weekday text; zone_name text; result oracle.zoned;
  months constant text[] := array['JANUARY','FEBRUARY','MARCH','APRIL','MAY','JUNE','JULY','AUGUST','SEPTEMBER','OCTOBER','NOVEMBER','DECEMBER'];
begin
  if value is null or format is null then return null; end if;
  if quick is not null and value ~* quick[1] then
    result.moment := to_timestamp(value, quick[2])::timestamp;
    return result;
  end if;
  foreach element in array oracle.format_elements(format) loop
    found := upper(element);
    if found = 'FX' then exact := true; continue; end if;
    if found = 'FM' then continue; end if;
    if not exact and found <> ' ' and left(element, 1) <> '"' then rest := ltrim(rest, ' '); end if;
    if rest = '' and found ~ '^(HH|MI|SS|FF|X|TZ|A\.?M|P\.?M|["-/,.;: ])' then continue; end if;
    if left(element, 1) = '"' then
      if left(rest, length(element) - 1) <> substr(element, 2) then perform oracle.raise(1861, 'literal does not match format string'); end if;
      rest := substr(rest, length(element));
    elsif element ~ '^[-/,.;: ]$' then
      if exact and left(rest, 1) <> element then perform oracle.raise(1861, 'literal does not match format string'); end if;
      if rest ~ '^[^[:alnum:]+]' and not (element = ' ' and rest ~ '^-\d') then rest := substr(rest, 2);
      elsif element <> ' ' and rest !~ '^\d' then perform oracle.raise(1861, 'literal does not match format string'); end if;
    elsif found in ('MONTH', 'MON') or (found = 'MM' and rest ~* '^[a-z]') then
      month := (select m.n from unnest(months) with ordinality m (name, n) where upper(rest) like m.name || '%' or upper(rest) like left(m.name, 3) || '%' limit 1);
      if month is null then perform oracle.raise(1843, 'not a valid month'); end if;
      rest := substr(rest, 1 + case when upper(rest) like months[month] || '%' then length(months[month]) else 3 end);
      if found = 'MONTH' then rest := ltrim(rest, ' '); end if;
    elsif found in ('DAY', 'DY') then
      weekday := (regexp_match(upper(rest), '^(SUN|MON|TUE|WED|THU|FRI|SAT)'))[1];
      if weekday is null then perform oracle.raise(1846, 'not a valid day of the week'); end if;
      rest := ltrim(regexp_replace(rest, '^(sunday|monday|tuesday|wednesday|thursday|friday|saturday|...)', '', 'i'), ' ');
    elsif found ~ '^[AP]\.?M' then
      if upper(rest) !~ '^[AP]\.?M\.?' then perform oracle.raise(1855, 'AM/A.M. or PM/P.M. required'); end if;
      afternoon := upper(rest) like 'P%';
      rest := regexp_replace(rest, '^[AP]\.?M\.?', '', 'i');
    elsif found ~ '^[AB]\.?[DC]' then
      if upper(rest) !~ '^(A\.?D|B\.?C)\.?' then perform oracle.raise(1856, 'BC/B.C. or AD/A.D. required'); end if;
      before := upper(rest) like 'B%';
      rest := regexp_replace(rest, '^(A\.?D|B\.?C)\.?', '', 'i');
    elsif found = 'RM' then
      at := array_position(array['I','II','III','IV','V','VI','VII','VIII','IX','X','XI','XII'], (regexp_match(upper(rest), '^[IVX]+'))[1]);
      if at is null then perform oracle.raise(1843, 'not a valid month'); end if;
      month := at;
      rest := ltrim(regexp_replace(rest, '^[IVX]+', '', 'i'), ' ');
    elsif found = 'X' then
      if rest ~ '^[.,]' then rest := substr(rest, 2); end if;
    elsif found in ('TZR') then
      if rest ~ '^[+-]?\d' then
        zone_sign := case when rest like '-%' then -1 else 1 end;
        digits := (regexp_match(rest, '^[+-]?(\d{1,2}(:\d\d)?)'))[1];
        zone_hours := split_part(digits, ':', 1)::int;
        zone_minutes := coalesce(nullif(split_part(digits, ':', 2), ''), '0')::int;
        rest := regexp_replace(rest, '^[+-]?\d{1,2}(:\d\d)?', '');
      else
        zone_name := (regexp_match(rest, '^[A-Za-z_]+(/[A-Za-z_+-]+\d*)*'))[1];
        if zone_name is null or not exists (select from pg_timezone_names z where lower(z.name) = lower(zone_name)) then perform oracle.raise(1882, 'timezone region not found'); end if;
        rest := substr(rest, length(zone_name) + 1);
      end if;
    else
      if found in ('D', 'Q', 'WW', 'W', 'IW', 'CC', 'IYYY', 'IYY', 'IY', 'I') then perform oracle.raise(1820, 'format code cannot appear in date input format'); end if;
      if found = 'TZH' and rest ~ '^[+-]' then
        zone_sign := case when rest like '-%' then -1 else 1 end;
        rest := substr(rest, 2);
      end if;
      at := case when found in ('YYYY', 'RRRR') then 4 when found = 'YYY' or found = 'DDD' then 3 when found = 'Y' then 1 when found = 'J' then 7 when found = 'SSSSS' then 5
        when found = 'FF' then 9 when found ~ '^FF' then right(found, 1)::int when found = 'RR' and rest ~ '^\d{4}' then 4 else 2 end;
      digits := (regexp_match(rest, format('^\d{1,%s}', at)))[1];
      if rest = '' then perform oracle.raise(1840, 'input value not long enough for date format'); end if;
      if digits is null then perform oracle.raise(1858, 'a non-numeric character was found where a numeric was expected'); end if;
      if exact and length(digits) < at and found !~ '^FF|^J' then perform oracle.raise(1862, 'the numeric value does not match the length of the format item'); end if;
      rest := substr(rest, length(digits) + 1);
      found := regexp_replace(found, 'TH$', '');
      case
        when found in ('RR', 'RRRR') and length(digits) <= 2 then
          year := digits::int + (extract(year from now_)::int / 100 + case when digits::int < 50 and extract(year from now_)::int % 100 >= 50 then 1
            when digits::int >= 50 and extract(year from now_)::int % 100 < 50 then -1 else 0 end) * 100;
        when found in ('YYYY', 'RR', 'RRRR') then year := digits::int;
        when found in ('YYY', 'YY', 'Y') then year := extract(year from now_)::int / (10 ^ at)::int * (10 ^ at)::int + digits::int;
        when found = 'MM' then month := digits::int;
        when found = 'DD' then day := digits::int;
        when found = 'DDD' then of_year := digits::int;
        when found = 'J' then julian := digits::int;
        when found = 'HH24' then hour := digits::int;
        when found in ('HH', 'HH12') then hour12 := digits::int;
        when found = 'MI' then minute := digits::int;
        when found = 'SS' then second := digits::int;
        when found = 'SSSSS' then of_day := digits::int;
        when found = 'TZH' then zone_hours := digits::int;
        when found = 'TZM' then zone_minutes := digits::int;
        when length(digits) > 6 and substr(digits, 7) ~ '[1-9]' then perform oracle.raise(3001, 'unimplemented feature: fractions of a second beyond microseconds');
        else micros := left(rpad(digits, 9, '0'), 6)::int;
      end case;
    end if;
  end loop;
  if rtrim(rest, ' ') <> '' then perform oracle.raise(1830, 'date format picture ends before converting entire input string'); end if;
  if year = 0 or (year > 9999) or (before and year > 4712) then perform oracle.raise(1841, '(full) year must be between -4713 and +9999, and not be 0'); end if;
  if month not between 1 and 12 then perform oracle.raise(1843, 'not a valid month'); end if;
  if day not between 1 and 31 then perform oracle.raise(1847, 'day of month must be between 1 and last day of month'); end if;
  if hour not between 0 and 23 then perform oracle.raise(1850, 'hour must be between 0 and 23'); end if;
  if hour12 not between 1 and 12 then perform oracle.raise(1849, 'hour must be between 1 and 12'); end if;
  if minute not between 0 and 59 then perform oracle.raise(1851, 'minutes must be between 0 and 59'); end if;
  if second not between 0 and 59 then perform oracle.raise(1852, 'seconds must be between 0 and 59'); end if;
  if of_day not between 0 and 86399 then perform oracle.raise(1853, 'seconds in day must be between 0 and 86399'); end if;
  year := coalesce(year, extract(year from now_)::int);
  year := case when before then -year else year end;
  if julian is not null then result.moment := to_date(julian::text, 'J')::timestamp;
  elsif of_year is not null then
    result.moment := make_date(year, 1, 1)::timestamp + make_interval(days => of_year - 1);
    if of_year < 1 or extract(year from result.moment) <> year then perform oracle.raise(1848, 'day of year must be between 1 and 365 (366 for leap year)'); end if;
  else
    month := coalesce(month, extract(month from now_)::int);
    if coalesce(day, 1) > extract(day from make_date(year, month, 1) + interval '1 month - 1 day') then perform oracle.raise(1839, 'date not valid for month specified'); end if;
    result.moment := make_date(year, month, coalesce(day, 1))::timestamp;
  end if;
  if weekday is not null and weekday <> to_char(result.moment, 'DY') then perform oracle.raise(1835, 'day of week conflicts with Julian date'); end if;
  hour := coalesce(hour, hour12 % 12 + case when afternoon then 12 else 0 end, 0);
  result.moment := result.moment + make_interval(hours => hour, mins => coalesce(minute, 0), secs => coalesce(second, 0)) + micros * interval '1 microsecond';
  if of_day is not null then result.moment := date_trunc('day', result.moment) + make_interval(secs => of_day) + micros * interval '1 microsecond'; end if;
  if zone_name is not null then result.ahead := extract(epoch from (result.moment at time zone 'UTC') - (result.moment at time zone zone_name))::int;
  elsif zone_hours is not null then
    if zone_hours * zone_sign not between -12 and 14 then perform oracle.raise(1874, 'time zone hour must be between -15 and 15'); end if;
    if zone_minutes not between 0 and 59 then perform oracle.raise(1875, 'time zone minute must be between -59 and 59'); end if;
    result.ahead := zone_sign * (zone_hours * 3600 + coalesce(zone_minutes, 0) * 60);
  end if;
  return result;
end $$;

-- TO_CHAR of a number.
create function oracle.number_model(format text) returns text language plpgsql immutable strict as $$
declare model text := regexp_replace(upper(format), '^FM', '');
begin
  if model ~ '[BCUV]' and model !~ '[^09,.GDLCUBVS$EMIPR]' then perform oracle.raise(3001, format('unimplemented feature: the number format %s', format)); end if;
  if model !~ '^S?[$L]?[09,G]*([.D][09]*)?[$L]?(EEEE)?(MI|PR|S)?$' or model !~ '[09]' or model ~ '^S.*(MI|PR|S)$' or model ~ '[$L].*[$L]' or model ~ '^[$LS]*[,G]' then
    perform oracle.raise(1481, 'invalid number format model');
  end if;
  return model;
end $$;
create function oracle.format_number(value numeric, format text) returns text language plpgsql immutable strict as $$
declare model text; fill text := case when upper(format) like 'FM%' then 'FM' else '' end; made text; bare text := regexp_replace(upper(format), '^FM', '');
begin
  if bare in ('TM', 'TM9') then return oracle.number_text(value); end if;
  if bare = 'RN' then
    if round(value) not between 1 and 3999 then return repeat('#', 15); end if;
    made := to_char(round(value)::int, fill || 'RN');
    return case when left(regexp_replace(format, '^fm', '', 'i'), 1) = 'r' then lower(made) else made end;
  end if;
  if bare ~ '^0*X+$' then
    made := upper(to_hex(round(value)::bigint));
    if value < 0 or length(made) > length(bare) then return repeat('#', length(bare) + 1); end if;
    if bare like '0%' then made := lpad(made, length(bare), '0'); elsif fill = '' then made := lpad(made, length(bare)); end if;
    if format = lower(format) then made := lower(made); end if;
    return case when fill = '' then ' ' else '' end || made;
  end if;
  model := oracle.number_model(format);
  made := to_char(value, fill || translate(model, '$L', ''));
  if strpos(made, '#') > 0 then return repeat('#', length(to_char(0, translate(model, '$L', ''))) + case when model ~ '\$' then 1 when model ~ 'L' then 10 else 0 end); end if;
  if model like '%EEEE%' then made := upper(made); end if;
  if model ~ '[$L]' then
    made := regexp_replace(made, '([-+<]?)(\d|\.)', '\1$\2');
    if model ~ 'L' and fill = '' then made := repeat(' ', 9) || made; end if;
  end if;
  return made;
end $$;

create function oracle.parse_number(value text, format text) returns numeric language plpgsql immutable strict as $$
declare model text; rest text := btrim(value); sign_ text := ''; bare text := regexp_replace(upper(format), '^FM', ''); most int;
begin
  if bare ~ '^X+$' then
    if rest !~* '^[0-9a-f]+$' or length(rest) > length(bare) or length(rest) > 15 then perform oracle.raise(1722, 'invalid number'); end if;
    return ('x' || lpad(rest, 16, '0'))::bit(64)::bigint;
  end if;
  model := oracle.number_model(format);
  if model like '%EEEE%' then return oracle.text_number(rest); end if;
  if model like '%PR' and rest ~ '^<.*>$' then sign_ := '-'; rest := btrim(rest, '<>');
  elsif model ~ '(MI|S)$' and rest ~ '[+-]$' then sign_ := replace(right(rest, 1), '+', ''); rest := left(rest, -1);
  elsif model !~ '(MI|PR|S)$' and rest ~ '^[+-]' then sign_ := replace(left(rest, 1), '+', ''); rest := substr(rest, 2); end if;
  if model ~ '[$L]' then rest := regexp_replace(rest, '^\$', ''); end if;
  if model ~ '[,G]' then rest := replace(rest, ',', ''); end if;
  most := length(regexp_replace(split_part(translate(model, 'D', '.'), '.', 1), '[^09]', '', 'g'));
  if rest !~ '^(\d+\.?\d*|\.\d+)$' or length(ltrim(split_part(rest, '.', 1), '0')) > most
      or length(split_part(rest, '.', 2)) > length(regexp_replace(split_part(translate(model, 'D', '.'), '.', 2), '[^09]', '', 'g')) then
    perform oracle.raise(1722, 'invalid number');
  end if;
  return (sign_ || rest)::numeric;
end $$;

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
