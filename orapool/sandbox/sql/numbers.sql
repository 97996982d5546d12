-- The formats of TO_CHAR and TO_NUMBER of numbers, element by element: what is no format is ORA-01481.

create type oracle.model as (prefix text, whole text, fraction text, shift int, suffix text, fill boolean, width int);
-- A format's parts: signs and currencies before the digits, the digits before the point and behind, what follows; V's digits are
-- the shift. The width is that of all, with a blank for the sign.
create function oracle.number_model(format text) returns oracle.model language plpgsql immutable strict as $$
declare bare text := upper(format); parts text[]; made oracle.model;
begin
  made.fill := bare not like 'FM%';
  if not made.fill then bare := substr(bare, 3); end if;
  parts := regexp_match(bare, '^([SB$LCU]*)([09,G]*)(?:([.D])([09]*)|V([09]+))?(EEEE)?([$LCUB]?)(S|MI|PR)?$');
  if parts is null or parts[2] || coalesce(parts[4], '') || coalesce(parts[5], '') !~ '[09]' or parts[2] ~ '^[,G]' or parts[1] ~ '(.).*\1|.S'
      or (parts[1] like 'S%' and parts[8] is not null) or translate(parts[1] || parts[7], 'SB', '') ~ '..'
      or (bare ~ '[,.]' and bare ~ '[DG]') or (parts[6] is not null and (bare ~ '[,GVB]')) then
    perform oracle.raise(1481, 'invalid number format model');
  end if;
  made.prefix := parts[1] || coalesce(parts[6], '');
  made.suffix := parts[7] || coalesce(parts[8], '');
  made.whole := replace(parts[2] || coalesce(parts[5], ''), 'G', ',');
  made.fraction := case when parts[3] is not null then coalesce(parts[4], '') end;
  made.shift := coalesce(length(parts[5]), 0);
  if parts[6] is not null and length(made.whole) <> 1 then
    perform oracle.raise(3001, format('unimplemented feature: the number format %s, of other than one digit before the point', format));
  end if;
  made.width := length(made.whole) + coalesce(1 + length(made.fraction), 0) + case when made.suffix like '%PR' then 2 else 1 end
    + case when parts[6] is not null then 4 else 0 end + case when bare ~ '\$' then 1 when bare ~ '[LU]' then 10 when bare ~ 'C' then 7 else 0 end;
  return made;
end $$;

-- What stands in NLS parameters of a call: the characters of point and groups, and the currencies.
create function oracle.nls_parameter(parameters text, name text, usual text) returns text language plpgsql immutable as $$
declare found text;
begin
  if regexp_replace(coalesce(parameters, ''), '(nls_numeric_characters|nls_currency|nls_iso_currency|nls_dual_currency)\s*=\s*(''([^'']*)''|\w+)[\s,]*', '', 'gi') <> '' then
    perform oracle.raise(12702, 'invalid NLS parameter string used in SQL function');
  end if;
  found := (regexp_match(parameters, name || '\s*=\s*(?:''([^'']*)''|(\w+))', 'i'))[1];
  if name = 'nls_numeric_characters' and (length(found) <> 2 or found ~ '[0-9+<>-]' or left(found, 1) = right(found, 1)) then
    perform oracle.raise(12702, 'invalid NLS parameter string used in SQL function');
  end if;
  if name = 'nls_iso_currency' and parameters ~* name then perform oracle.raise(3001, 'unimplemented feature: NLS_ISO_CURRENCY'); end if;
  return coalesce(found, usual);
end $$;

create function oracle.hexadecimal(value numeric) returns text language plpgsql immutable strict as $$
declare rest numeric := value; made text := '';
begin
  loop
    made := to_hex((rest % 16)::int) || made;
    rest := div(rest, 16);
    if rest = 0 then return upper(made); end if;
  end loop;
end $$;
-- 1.2E+02, with so many digits behind the point, or as many as there are.
create function oracle.scientific(value numeric, digits int) returns text language plpgsql immutable strict as $$
declare exponent int := 0; mantissa numeric := abs(value);
begin
  if value <> 0 then
    exponent := case when mantissa >= 1 then length(trunc(mantissa)::text) - 1
      else length(ltrim(split_part(mantissa::text, '.', 2), '0')) - length(split_part(mantissa::text, '.', 2)) - 1 end;
    mantissa := case when exponent > 0 then round(mantissa, 200) / power(10::numeric, exponent) else mantissa * power(10::numeric, -exponent) end;
    if digits >= 0 then mantissa := round(mantissa, digits); end if;
    if mantissa >= 10 then mantissa := mantissa / 10; exponent := exponent + 1; end if;
  end if;
  mantissa := case when digits < 0 then trim_scale(mantissa) else round(mantissa, digits) end;
  return format('%sE%s%s', mantissa, case when exponent < 0 then '-' else '+' end, lpad(abs(exponent)::text, greatest(2, length(abs(exponent)::text)), '0'));
end $$;

-- The digits before the point, as a model's whole has them: from its first 0 on, or from the number's first digit.
create function oracle.whole_digits(digits text, whole text) returns text language plpgsql immutable strict as $$
declare made text := ''; places int := length(replace(whole, ',', '')); place int := 0; element text; shown text := lpad(digits, places, ' '); started boolean := false; one text;
begin
  foreach element in array regexp_split_to_array(whole, '') loop
    if element = ',' then
      if started then made := made || ','; end if;
      continue;
    end if;
    place := place + 1;
    one := substr(shown, place, 1);
    started := started or one <> ' ' or element = '0';
    if started then made := made || case when one = ' ' then '0' else one end; end if;
  end loop;
  return made;
end $$;

create function oracle.format_number(value numeric, format text, nls text default null) returns text language plpgsql immutable as $$
declare
  model oracle.model; bare text := regexp_replace(upper(format), '^FM', ''); filled boolean := upper(format) not like 'FM%';
  made text; rounded numeric; whole text; fraction text; currency text := ''; point text; plain text; sign_ text := case when value < 0 then '-' else '+' end;
begin
  if value is null or format is null then return null; end if;
  if bare in ('TM', 'TM9', 'TME') then
    made := oracle.number_text(value);
    return case when bare = 'TME' or length(made) > 64 then case when value < 0 then '-' else '' end || oracle.scientific(value, -1) else made end;
  end if;
  if bare = 'RN' then
    if round(value) not between 1 and 3999 then return repeat('#', 15); end if;
    made := to_char(round(value)::int, case when filled then 'RN' else 'FMRN' end);
    return case when regexp_replace(format, '^fm', '', 'i') like 'r%' then lower(made) else made end;
  end if;
  if bare ~ '^0*X+$' then
    if round(value) >= 0 then made := oracle.hexadecimal(round(value)); end if;
    if made is null or length(made) > length(bare) then return repeat('#', length(bare) + 1); end if;
    if bare like '0%' then made := lpad(made, length(bare), '0'); elsif filled then made := lpad(made, length(bare)); end if;
    if regexp_replace(format, '^fm', '', 'i') !~ 'X' then made := lower(made); end if;
    return case when filled then ' ' else '' end || made;
  end if;
  model := oracle.number_model(format);
  if model.prefix like '%EEEE' then
    made := oracle.scientific(value, coalesce(length(model.fraction), 0));
    if model.fraction = '' then made := replace(made, 'E', '.E'); end if;
    model.width := greatest(model.width, length(made) + 1);
  else
    rounded := round(abs(value) * power(10::numeric, model.shift), coalesce(length(model.fraction), 0));
    plain := format('%s', rounded);  -- whose cast to a text takes zeros off
    whole := split_part(plain, '.', 1);
    if whole = '0' then whole := ''; end if;
    if length(whole) > length(replace(model.whole, ',', '')) then return repeat('#', model.width); end if;
    if model.prefix || model.suffix like '%B%' and rounded = 0 then return case when filled then repeat(' ', model.width) end; end if;
    fraction := split_part(plain, '.', 2);
    whole := case when whole = '' and model.prefix || model.suffix like '%B%' then '' else oracle.whole_digits(whole, model.whole) end;
    if not filled then  -- zeros stay up to the last 0 of the format
      fraction := left(fraction, length(rtrim(model.fraction, '9'))) || rtrim(substr(fraction, length(rtrim(model.fraction, '9')) + 1), '0');
      fraction := coalesce(fraction, '');
    end if;
    if whole = '' and fraction = '' and model.whole <> '' and model.prefix || model.suffix not like '%B%' then whole := '0'; end if;
    made := whole || case when model.fraction is not null then '.' || fraction else '' end;
  end if;
  if nls is not null or made ~ '[,.]' then
    point := oracle.nls_parameter(nls, 'nls_numeric_characters', '.,');
    if point <> '.,' then
      if format ~ '[.,]' then perform oracle.raise(3001, 'unimplemented feature: "." and "," in a number format beside NLS_NUMERIC_CHARACTERS, other than D and G'); end if;
      made := translate(made, '.,', point);
    end if;
  end if;
  currency := case when model.prefix || model.suffix like '%$%' then '$' when model.prefix || model.suffix like '%L%' then oracle.nls_parameter(nls, 'nls_currency', '$')
    when model.prefix || model.suffix like '%U%' then oracle.nls_parameter(nls, 'nls_dual_currency', '$') when model.prefix || model.suffix like '%C%' then 'USD' else '' end;
  made := case when model.suffix ~ '[$LCU]' then made || currency else currency || made end;
  made := case when model.prefix like 'S%' then sign_ || made when model.suffix ~ 'S$' then made || sign_
    when model.suffix like '%MI' then made || case when value < 0 then '-' else ' ' end
    when model.suffix like '%PR' then case when value < 0 then '<' || made || '>' else made || ' ' end
    when value < 0 then '-' || made else made end;
  return case when filled then lpad(made, greatest(model.width, length(made))) else btrim(made) end;
end $$;
create function oracle.format_number(value float8, format text) returns text language plpgsql immutable strict as $$
begin
  if value in ('NaN', 'Infinity', '-Infinity') then perform oracle.raise(3001, 'unimplemented feature: TO_CHAR of NaN and infinity with a format'); end if;
  return oracle.format_number(value::text::numeric, format);
end $$;

create function oracle.parse_number(value text, format text, nls text default null) returns numeric language plpgsql immutable as $$
declare model oracle.model; rest text := btrim(value); sign_ text := ''; bare text := regexp_replace(upper(format), '^FM', ''); characters text; symbols text;
begin
  if value is null or format is null then return null; end if;
  if bare ~ '^0*X+$' then
    if rest !~* '^[0-9a-f]+$' or length(rest) > length(bare) then perform oracle.raise(1722, 'invalid number'); end if;
    return (select sum((strpos('0123456789abcdef', substr(lower(rest), n, 1)) - 1) * power(16::numeric, length(rest) - n)) from generate_series(1, length(rest)) n);
  end if;
  if bare in ('TM', 'TM9', 'TME', 'RN') or bare ~ 'V' then perform oracle.raise(1481, 'invalid number format model'); end if;
  model := oracle.number_model(format);
  if model.prefix like '%EEEE' then return oracle.text_number(rest); end if;
  characters := oracle.nls_parameter(nls, 'nls_numeric_characters', '.,');
  if characters <> '.,' and format ~ '[.,]' then perform oracle.raise(3001, 'unimplemented feature: "." and "," in a number format beside NLS_NUMERIC_CHARACTERS, other than D and G'); end if;
  if model.suffix like '%PR' and rest ~ '^<.*>$' then sign_ := '-'; rest := btrim(rest, '<>');
  elsif model.suffix ~ '(MI|S)$' and rest ~ '[+-]$' then sign_ := replace(right(rest, 1), '+', ''); rest := left(rest, -1);
  elsif model.suffix !~ '(MI|PR|S)$' and rest ~ '^[+-]' then sign_ := replace(left(rest, 1), '+', ''); rest := substr(rest, 2); end if;
  symbols := case when model.prefix || model.suffix ~ '\$' then '$' when model.prefix || model.suffix ~ 'L' then oracle.nls_parameter(nls, 'nls_currency', '$')
    when model.prefix || model.suffix ~ 'U' then oracle.nls_parameter(nls, 'nls_dual_currency', '$') when model.prefix || model.suffix ~ 'C' then 'USD' end;
  if symbols is not null then
    if left(rest, length(symbols)) = symbols then rest := substr(rest, length(symbols) + 1); elsif right(rest, length(symbols)) = symbols then rest := left(rest, -length(symbols)); end if;
  end if;
  if model.whole like '%,%' then rest := replace(rest, right(characters, 1), ''); end if;
  if model.fraction is not null then rest := replace(rest, left(characters, 1), '.'); end if;
  if rest !~ '^(\d+\.?\d*|\.\d+)$' or (model.fraction is null and rest like '%.%') or length(ltrim(split_part(rest, '.', 1), '0')) > length(replace(model.whole, ',', ''))
      or length(split_part(rest, '.', 2)) > length(coalesce(model.fraction, '')) then
    perform oracle.raise(1722, 'invalid number');
  end if;
  return (sign_ || rest)::numeric;
end $$;
