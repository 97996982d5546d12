-- The formats of TO_CHAR, TO_DATE and TO_TIMESTAMP, element by element: what is no element is an error.

-- The elements of a format for dates, as they are written; texts begin with a quote, FM and FX stand before what they change.
create function oracle.format_elements(format text) returns text[] language plpgsql immutable strict as $$
declare
  rest text := format; found text; elements text[] := '{}'; parts text[];
  known constant text := '^(SYYYY|Y,YYY|YYYY|YYY|YY|Y(?!EAR)|RRRR|RR|IYYY|IYY|IY|I(?!W)|MONTH|MON|MM|MI|RM|DAY|DY|DDD|DD|DL|DS(?!P)|D|J|Q|WW|W|IW|HH24|HH12|HH|SSSSS|SS|FF[1-9]?'
    '|X|A\.M\.|P\.M\.|AM|PM|A\.D\.|B\.C\.|AD|BC|SCC|CC|SYEAR|YEAR|TZH|TZM|TZR|TZD|TS|EE|E|FM|FX)(SPTH|THSP|SP|TH)?';
begin
  while rest <> '' loop
    if left(rest, 1) = '"' then
      if strpos(substr(rest, 2), '"') = 0 then perform oracle.raise(1821, 'date format not recognized'); end if;
      found := left(rest, strpos(substr(rest, 2), '"') + 1);
      elements := elements || ('"' || btrim(found, '"'));
    elsif left(rest, 1) ~ '[[:punct:] ]' then
      found := left(rest, 1);
      elements := elements || found;
    else
      parts := regexp_match(rest, known, 'i');
      found := parts[1] || coalesce(parts[2], '');
      if found is null or (parts[2] is not null and parts[1] !~* '^(S?Y|RR|I|MM$|MI|D+$|J|Q|W|HH|SS|S?CC)' or parts[1] ~* 'YEAR' and parts[2] is not null) then
        perform oracle.raise(1821, 'date format not recognized');
      end if;
      if upper(found) ~ '^(EE|E|TZD)$' then
        perform oracle.raise(3001, format('unimplemented feature: %s in a date format', upper(found)));
      end if;
      elements := elements || found;
    end if;
    rest := substr(rest, length(found) + 1);
  end loop;
  return elements;
end $$;

-- A word as its element is written: of two capitals, of one, of none.
create function oracle.cased(word text, element text) returns text language sql immutable strict return
  case when element ~ '^[a-z]' then lower(word) when element ~ '^.[a-z]' then initcap(word) else word end;
-- A number in words, and as an ordinal.
create function oracle.spelled(number int) returns text language sql immutable strict return
  case when number < 20 then (array['ZERO','ONE','TWO','THREE','FOUR','FIVE','SIX','SEVEN','EIGHT','NINE','TEN','ELEVEN','TWELVE','THIRTEEN','FOURTEEN','FIFTEEN','SIXTEEN','SEVENTEEN','EIGHTEEN','NINETEEN'])[number + 1]
    when number < 100 then (array['TWENTY','THIRTY','FORTY','FIFTY','SIXTY','SEVENTY','EIGHTY','NINETY'])[number / 10 - 1]
      || coalesce('-' || (array['ONE','TWO','THREE','FOUR','FIVE','SIX','SEVEN','EIGHT','NINE'])[number % 10], '') end;
create function oracle.in_words(number int) returns text language plpgsql immutable strict as $$
declare words text := ''; rest int := number;
begin
  if number = 0 then return 'ZERO'; end if;
  if rest >= 1000000 then words := oracle.in_words(rest / 1000000) || ' MILLION '; rest := rest % 1000000; end if;
  if rest >= 1000 then words := words || oracle.in_words(rest / 1000) || ' THOUSAND '; rest := rest % 1000; end if;
  if rest >= 100 then words := words || oracle.spelled(rest / 100) || ' HUNDRED '; rest := rest % 100; end if;
  return rtrim(words || case when rest > 0 then oracle.spelled(rest) else '' end);
end $$;
create function oracle.ordinal(words text) returns text language sql immutable strict return
  case when words ~ 'ONE$' then regexp_replace(words, 'ONE$', 'FIRST') when words ~ 'TWO$' then regexp_replace(words, 'TWO$', 'SECOND')
    when words ~ 'THREE$' then regexp_replace(words, 'THREE$', 'THIRD') when words ~ 'FIVE$' then regexp_replace(words, 'FIVE$', 'FIFTH')
    when words ~ 'EIGHT$' then words || 'H' when words ~ 'NINE$' then regexp_replace(words, 'NINE$', 'NINTH') when words ~ 'TWELVE$' then regexp_replace(words, 'TWELVE$', 'TWELFTH')
    when words ~ 'Y$' then regexp_replace(words, 'Y$', 'IETH') else words || case when words = 'ZERO' then 'ETH' else 'TH' end end;
-- YEAR: NINETEEN NINETY-EIGHT, but TWO THOUSAND EIGHT.
create function oracle.year_in_words(year int) returns text language sql immutable strict return
  case when year between 1000 and 9999 and (year / 100) % 10 = 0 and year % 100 < 10 then oracle.in_words(year)
    when year between 1000 and 9999 and year % 100 = 0 then oracle.spelled(year / 100) || ' HUNDRED'
    when year between 1000 and 9999 and year % 100 >= 10 then oracle.spelled(year / 100) || ' ' || oracle.spelled(year % 100)
    else oracle.raise(3001, format('unimplemented feature: the year %s in words', year))::text end;
-- Julian days of Oracle's calendar, which is the Julian one before October 15, 1582.
create function oracle.julian_day(moment timestamp) returns int language sql immutable strict return
  case when moment >= '1582-10-15' or moment < '0001-01-01' then to_char(moment, 'J')::int else (
    select extract(day from moment)::int + (153 * m + 2) / 5 + 365 * y + y / 4 - 32083 from (
      select extract(year from moment)::int + 4800 - before as y, extract(month from moment)::int + 12 * before - 3 as m
        from (select case when extract(month from moment) < 3 then 1 else 0 end as before) a) b) end;
create function oracle.of_julian_day(number int) returns timestamp language sql immutable strict return
  case when number >= 2299161 or number < 1721424 then to_date(format('%s', number), 'J')::timestamp else (
    select make_date(y - 4800 + m / 10, m + 3 - 12 * (m / 10), e - (153 * m + 2) / 5 + 1)::timestamp from (
      select y, e, (5 * e + 2) / 153 as m from (
        select y, c - 1461 * y / 4 as e from (select c, (4 * c + 3) / 1461 as y from (select number + 32082 as c) a) b) d) f) end;
-- What PostgreSQL's TO_CHAR does not write.
create function oracle.write_element(moment timestamp, element text, filled boolean) returns text language plpgsql stable strict as $$
declare
  base text := regexp_replace(upper(element), '(.)(SPTH|THSP|SP|TH)$', '\1'); suffix text := substr(upper(element), length(base) + 1);
  plain text; number int; year int := extract(year from moment)::int; fill text := case when filled then '' else 'FM' end;
begin
  if base in ('YEAR', 'SYEAR') then
    return case when base = 'SYEAR' and year < 0 then '-' when base = 'SYEAR' and filled then ' ' else '' end
      || oracle.cased(oracle.year_in_words(abs(year)), case when base = 'SYEAR' then substr(element, 2) else element end);
  elsif base = 'DL' then return to_char(moment, 'FMDay, FMMonth FMDD, FMYYYY');
  elsif base = 'DS' then return to_char(moment, 'FMMM/FMDD/FMYYYY');
  elsif base = 'TS' then return to_char(moment, 'FMHH12:MI:SS AM');
  elsif base = 'J' then
    number := oracle.julian_day(moment);
    plain := case when filled then lpad(number::text, 7, '0') else number::text end;
  elsif base in ('SYYYY', 'SCC') then
    plain := to_char(moment, fill || substr(base, 2));
    number := abs(plain::int);
    plain := case when year < 0 then '-' when filled then ' ' else '' end || ltrim(plain, '-');
    if year < 0 and suffix <> '' then perform oracle.raise(1877, 'string is too long for internal buffer'); end if;
  elsif base = 'SSSSS' then
    number := extract(epoch from date_trunc('second', moment) - date_trunc('day', moment))::int;
    plain := case when filled then lpad(number::text, 5, '0') else number::text end;
  else
    plain := to_char(moment, fill || replace(replace(base, 'RRRR', 'YYYY'), 'RR', 'YY'));
    number := replace(plain, ',', '')::int;
  end if;
  case suffix
    when '' then return plain;
    when 'TH' then
      if number = 0 then perform oracle.raise(1877, 'string is too long for internal buffer'); end if;
      return oracle.cased(plain || case when number % 100 between 11 and 13 then 'TH' when number % 10 = 1 then 'ST' when number % 10 = 2 then 'ND' when number % 10 = 3 then 'RD' else 'TH' end, element);
    when 'SP' then return oracle.cased(oracle.in_words(number), element);
    else return oracle.cased(oracle.ordinal(oracle.in_words(number)), element);
  end case;
end $$;

-- The same in PostgreSQL's letters; what that does not write stands between marks, behind whether it is filled.
create function oracle.datetime_format(format text) returns text language plpgsql immutable strict as $$
declare
  element text; upper_ text; made text := ''; fill text := '';
begin
  if format in ('DD-MON-RR', 'YYYY-MM-DD', 'YYYY-MM-DD HH24:MI:SS') then return replace(format, 'RR', 'YY'); end if;
  foreach element in array oracle.format_elements(format) loop
    upper_ := upper(element);
    if left(element, 1) = '"' then made := made || '"' || replace(substr(element, 2), '\', '\\') || '"';
    elsif element ~ '^[-/,.;: ]$' then made := made || element;
    elsif element = '\' then made := made || '"\\"';
    elsif element ~ '^[[:punct:]]$' then made := made || '"' || element || '"';
    elsif upper_ = 'FM' then fill := case when fill = '' then 'FM' else '' end;
    elsif upper_ = 'FX' then null;
    elsif upper_ = 'X' then made := made || '.';
    elsif upper_ ~ '^(SYYYY|SCC|S?YEAR|SSSSS|DL|DS|TS|J)|(SP|TH)$' and upper_ <> 'MONTH' then
      made := made || E'\x02' || case when fill = '' then 't' else 'f' end || element || E'\x02';
    elsif upper_ = 'TZR' then made := made || 'TZH:TZM';
    elsif upper_ = 'FF' then made := made || 'US';
    elsif upper_ ~ '^FF[789]$' then made := made || 'US"' || repeat('0', right(upper_, 1)::int - 6) || '"';
    elsif upper_ ~ '^[AP]\.?M' or upper_ ~ '^A\.?D' or upper_ ~ '^B\.?C' then
      made := made || fill || case when element ~ '^[a-z]' then lower(element) when element ~ '^.[a-z]' then oracle.raise(3001, format('unimplemented feature: %s in a date format', element))::text else upper_ end;
    elsif upper_ = 'RM' then
      if element ~ '^R.*m' then perform oracle.raise(3001, 'unimplemented feature: Rm in a date format'); end if;
      made := made || fill || oracle.cased(upper_, element);
    elsif upper_ in ('MONTH', 'MON', 'DAY', 'DY') then
      made := made || fill || oracle.cased(upper_, element);
    else
      made := made || fill || replace(replace(upper_, 'RRRR', 'YYYY'), 'RR', 'YY');
    end if;
  end loop;
  return made;
end $$;
-- A DATE has no fraction of a second, and no zone.
create function oracle.of_dates(format text) returns text language plpgsql immutable strict as $$
begin
  if format ~* 'F|X|TZ' and exists (select from unnest(oracle.format_elements(format)) e where e ~* '^(FF|X|TZ)') then
    perform oracle.raise(1821, 'date format not recognized');
  end if;
  return format;
end $$;
-- By PostgreSQL's format.
create function oracle.format_datetime(timestamptz, text) returns text language plpgsql stable strict as $$
declare made text := ''; part text; marked boolean := false;
begin
  if strpos($2, E'\x02') = 0 then return to_char($1, $2); end if;
  foreach part in array string_to_array($2, E'\x02') loop
    made := made || case when marked then oracle.write_element($1::timestamp, substr(part, 2), part like 't%') when part <> '' then to_char($1, part) else '' end;
    marked := not marked;
  end loop;
  return made;
end $$;

-- For formats of full dates, of what is written most: a regular expression of texts that PostgreSQL reads as Oracle does,
-- days that every month has among them, and its format. Null for others. Of a constant, made once for all rows.
create function oracle.quick_format(format text) returns text[] language plpgsql immutable strict as $$
declare element text; pattern text := '';
begin
  if upper(format) !~ 'YYYY|RR' or upper(format) !~ 'MM|MON' or upper(format) !~ 'DD' then return null; end if;
  foreach element in array oracle.input_elements(format) loop
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

-- The elements of a format that a time is read by: none twice, none that contradict each other, none that are written only.
create function oracle.input_elements(format text) returns text[] language plpgsql immutable strict as $$
declare elements text[] := '{}'; element text; found text; seen text[] := '{}'; kind text; kinds text[] := '{}'; twice int; what text;
begin
  foreach element in array oracle.format_elements(format) loop
    found := upper(element);
    if found in ('DS', 'DL', 'TS') then
      elements := elements || oracle.format_elements(case found when 'DS' then 'MM/DD/RRRR' when 'DL' then 'DAY, MONTH DD, YYYY' else 'HH:MI:SS AM' end);
    else elements := elements || element; end if;
  end loop;
  foreach element in array elements loop
    found := upper(element);
    continue when left(element, 1) = '"' or element ~ '^[[:punct:] ]$' or found in ('FM', 'FX', 'X');
    if found ~ '^(D|Q|WW|W|IW|S?CC|I|IY|IYY|IYYY|S?YEAR)$|(SP|TH)$' and found <> 'MONTH' then
      perform oracle.raise(1820, 'format code cannot appear in date input format');
    end if;
    if found = any (seen) then perform oracle.raise(1810, 'format code appears twice'); end if;
    kind := case when found ~ '^(S?Y|RR)' then 'year' when found ~ '^(MON|MM|RM)' then 'month' when found ~ '^HH' then 'hour' when found in ('DAY', 'DY') then 'weekday'
      when found ~ '^[AP]\.?M' then 'meridian' when found ~ '^[AB]\.?[DC]' then 'era' else found end;
    if kind = any (kinds) then
      select t.n, t.message into twice, what from (values ('year', 1812, 'year may only be specified once'), ('month', 1816, 'month may only be specified once'),
        ('hour', 1813, 'hour may only be specified once'), ('weekday', 1817, 'day of week may only be specified once'),
        ('meridian', 1814, 'AM/PM conflicts with use of A.M./P.M.'), ('era', 1815, 'BC/AD conflicts with use of B.C./A.D.')) t (of, n, message) where t.of = kind;
      perform oracle.raise(coalesce(twice, 1810), coalesce(what, 'format code appears twice'));
    end if;
    seen := seen || found; kinds := kinds || kind;
  end loop;
  if seen @> array['HH24'] and kinds @> array['meridian'] then perform oracle.raise(1818, format('%L precludes use of meridian indicator', 'HH24')); end if;
  if seen @> array['SYYYY'] and kinds @> array['era'] then perform oracle.raise(1819, 'signed year precludes use of BC/AD'); end if;
  if seen @> array['J', 'DDD'] then perform oracle.raise(1811, 'Julian date precludes use of day of year'); end if;
  return elements;
end $$;

-- A text as a time, with the seconds that its zone is ahead of UTC (null without one).
create type oracle.zoned as (moment timestamp, ahead int);
create function oracle.parse_datetime(value text, format text, quick text[]) returns oracle.zoned language plpgsql stable as $$
#variable_conflict use_variable
declare
  rest text := value; element text; digits text; exact boolean := false; found text; at int;
  now_ timestamp := (statement_timestamp() at time zone oracle.host_zone());
  year int; month int; day int; of_year int; julian int; hour int; hour12 int; minute int; second int; of_day int; afternoon boolean; before boolean; given_year boolean;
  micros int := 0; zone_sign int := 1; zone_hours int; zone_minutes int; weekday text; zone_name text; result oracle.zoned;
  months constant text[] := array['JANUARY','FEBRUARY','MARCH','APRIL','MAY','JUNE','JULY','AUGUST','SEPTEMBER','OCTOBER','NOVEMBER','DECEMBER'];
begin
  if value is null or format is null then return null; end if;
  if quick is not null and value ~* quick[1] then
    result.moment := to_timestamp(value, quick[2])::timestamp;
    return result;
  end if;
  foreach element in array oracle.input_elements(format) loop
    found := upper(element);
    if found = 'FX' then exact := true; continue; end if;
    if found = 'FM' then continue; end if;
    if not exact and found <> ' ' and left(element, 1) <> '"' then rest := ltrim(rest, ' '); end if;
    if rest = '' and (found ~ '^(HH|MI|SS|FF|X|TZ|A\.?M|P\.?M|")' or found ~ '^[[:punct:] ]') then continue; end if;
    if left(element, 1) = '"' then
      if left(rest, length(element) - 1) <> substr(element, 2) then perform oracle.raise(1861, 'literal does not match format string'); end if;
      rest := substr(rest, length(element));
    elsif element ~ '^[[:punct:] ]$' then
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
      if found = 'SYYYY' and rest ~ '^[+-]' then
        before := rest like '-%';
        rest := substr(rest, 2);
      end if;
      if found = 'Y,YYY' then rest := regexp_replace(rest, '^(\d),(?=\d{3})', '\1'); end if;
      if found = 'TZH' and rest ~ '^[+-]' then
        zone_sign := case when rest like '-%' then -1 else 1 end;
        rest := substr(rest, 2);
      end if;
      at := case when found in ('YYYY', 'RRRR', 'SYYYY', 'Y,YYY') then 4 when found = 'YYY' or found = 'DDD' then 3 when found = 'Y' then 1 when found = 'J' then 7 when found = 'SSSSS' then 5
        when found = 'FF' then 9 when found ~ '^FF' then right(found, 1)::int when found = 'RR' and rest ~ '^\d{4}' then 4 else 2 end;
      digits := (regexp_match(rest, format('^\d{1,%s}', at)))[1];
      if rest = '' then perform oracle.raise(1840, 'input value not long enough for date format'); end if;
      if digits is null then perform oracle.raise(1858, 'a non-numeric character was found where a numeric was expected'); end if;
      if exact and length(digits) < at and found !~ '^FF|^J' then perform oracle.raise(1862, 'the numeric value does not match the length of the format item'); end if;
      rest := substr(rest, length(digits) + 1);
      case
        when found in ('RR', 'RRRR') and length(digits) <= 2 then
          year := digits::int + (extract(year from now_)::int / 100 + case when digits::int < 50 and extract(year from now_)::int % 100 >= 50 then 1
            when digits::int >= 50 and extract(year from now_)::int % 100 < 50 then -1 else 0 end) * 100;
        when found in ('YYYY', 'SYYYY', 'Y,YYY', 'RR', 'RRRR') then year := digits::int;
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
  given_year := year is not null;
  year := coalesce(year, extract(year from now_)::int);
  year := case when before then -year else year end;
  if julian is not null then
    if julian not between 1 and 5373484 then perform oracle.raise(1854, 'julian date must be between 1 and 5373484'); end if;
    result.moment := oracle.of_julian_day(julian);
    if given_year and year <> extract(year from result.moment) then perform oracle.raise(1831, 'year conflicts with Julian date'); end if;
  elsif of_year is not null then
    result.moment := make_date(year, 1, 1)::timestamp + make_interval(days => of_year - 1);
    if of_year < 1 or extract(year from result.moment) <> year then perform oracle.raise(1848, 'day of year must be between 1 and 365 (366 for leap year)'); end if;
  else
    month := coalesce(month, extract(month from now_)::int);
    day := coalesce(day, 1);
    if day > extract(day from make_date(year, month, 1) + interval '1 month - 1 day') then perform oracle.raise(1839, 'date not valid for month specified'); end if;
    result.moment := make_date(year, month, day)::timestamp;
  end if;
  if month <> extract(month from result.moment) then perform oracle.raise(1833, 'month conflicts with Julian date'); end if;
  if day <> extract(day from result.moment) then perform oracle.raise(1834, 'day of month conflicts with Julian date'); end if;
  if weekday is not null and weekday <> to_char(result.moment, 'DY') then perform oracle.raise(1835, 'day of week conflicts with Julian date'); end if;
  if of_day is not null then
    if coalesce(hour, hour12 % 12 + case when afternoon then 12 else 0 end) <> of_day / 3600 then perform oracle.raise(1836, 'hour conflicts with seconds in day'); end if;
    if minute <> of_day / 60 % 60 then perform oracle.raise(1837, 'minutes of hour conflicts with seconds in day'); end if;
    if second <> of_day % 60 then perform oracle.raise(1838, 'seconds of minute conflicts with seconds in day'); end if;
  end if;
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
