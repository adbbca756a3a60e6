-- What Redshift has and PostgreSQL lacks, put into pg_catalog of the template database so that it is found whatever
-- the session's search path is. Names and meanings follow the Amazon Redshift Database Developer Guide,
-- "SQL functions reference" and "System tables and views reference".
SET allow_system_table_mods = on;
SET search_path = pg_catalog;
SET check_function_bodies = on;

-- SUPER: semistructured data. A domain, so that results come back as jsonb and casts work both ways.
CREATE DOMAIN pg_catalog.super AS jsonb;

-- Date and time. GETDATE is the start of the statement in UTC, without fractions.
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE
  AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$;

CREATE FUNCTION pg_catalog.landfall_datepart(part text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT CASE
    WHEN p IN ('millennium', 'millennia', 'mil', 'mils') THEN 'millennium'
    WHEN p IN ('century', 'centuries', 'c', 'cent', 'cents') THEN 'century'
    WHEN p IN ('decade', 'decades', 'dec', 'decs') THEN 'decade'
    WHEN p IN ('year', 'years', 'y', 'yr', 'yrs') THEN 'year'
    WHEN p IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN 'quarter'
    WHEN p IN ('month', 'months', 'mon', 'mons') THEN 'month'
    WHEN p IN ('week', 'weeks', 'w') THEN 'week'
    WHEN p IN ('dayofweek', 'dow', 'dw', 'weekday') THEN 'dow'
    WHEN p IN ('dayofyear', 'doy', 'dy', 'yearday') THEN 'doy'
    WHEN p IN ('day', 'days', 'd') THEN 'day'
    WHEN p IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN 'hour'
    WHEN p IN ('minute', 'minutes', 'm', 'min', 'mins') THEN 'minute'
    WHEN p IN ('second', 'seconds', 's', 'sec', 'secs') THEN 'second'
    WHEN p IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs', 'msecond', 'mseconds') THEN 'millisecond'
    WHEN p IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs', 'usecond', 'useconds') THEN 'microsecond'
    ELSE p END FROM (SELECT lower(part)) AS given(p) $$;

CREATE FUNCTION pg_catalog.dateadd(part text, amount numeric, moment timestamp) RETURNS timestamp
  LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE p
    WHEN 'quarter' THEN moment + make_interval(months => (3 * trunc(amount))::int)
    WHEN 'week' THEN moment + make_interval(days => (7 * trunc(amount))::int)
    ELSE moment + trunc(amount)::float8 * ('1 ' || p)::interval END
  FROM (SELECT landfall_datepart(part)) AS named(p) $$;
CREATE FUNCTION pg_catalog.dateadd(part text, amount numeric, moment timestamptz) RETURNS timestamptz
  LANGUAGE sql STABLE STRICT AS $$ SELECT dateadd(part, amount, moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;
CREATE FUNCTION pg_catalog.dateadd(part text, amount numeric, moment date) RETURNS timestamp
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT dateadd(part, amount, moment::timestamp) $$;
-- A bare literal is a timestamp; without this PostgreSQL would prefer the time zone's variant.
CREATE FUNCTION pg_catalog.dateadd(part text, amount numeric, moment text) RETURNS timestamp
  LANGUAGE sql STABLE STRICT AS $$ SELECT dateadd(part, amount, moment::timestamp) $$;

-- DATEDIFF counts the boundaries crossed, not the time elapsed.
CREATE FUNCTION pg_catalog.datediff(part text, first timestamp, second timestamp) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE p
    WHEN 'millennium' THEN extract(millennium FROM second)::bigint - extract(millennium FROM first)::bigint
    WHEN 'century' THEN extract(century FROM second)::bigint - extract(century FROM first)::bigint
    WHEN 'decade' THEN extract(decade FROM second)::bigint - extract(decade FROM first)::bigint
    WHEN 'year' THEN extract(year FROM second)::bigint - extract(year FROM first)::bigint
    WHEN 'quarter' THEN 4 * (extract(year FROM second) - extract(year FROM first))::bigint
                        + (extract(quarter FROM second) - extract(quarter FROM first))::bigint
    WHEN 'month' THEN 12 * (extract(year FROM second) - extract(year FROM first))::bigint
                      + (extract(month FROM second) - extract(month FROM first))::bigint
    WHEN 'week' THEN ((date_trunc('week', second + interval '1 day'))::date
                      - (date_trunc('week', first + interval '1 day'))::date)::bigint / 7
    WHEN 'day' THEN (second::date - first::date)::bigint
    WHEN 'hour' THEN (extract(epoch FROM date_trunc('hour', second) - date_trunc('hour', first)) / 3600)::bigint
    WHEN 'minute' THEN (extract(epoch FROM date_trunc('minute', second) - date_trunc('minute', first)) / 60)::bigint
    WHEN 'second' THEN extract(epoch FROM date_trunc('second', second) - date_trunc('second', first))::bigint
    WHEN 'millisecond' THEN
      (extract(epoch FROM date_trunc('milliseconds', second) - date_trunc('milliseconds', first)) * 1000)::bigint
    WHEN 'microsecond' THEN (extract(epoch FROM second - first) * 1000000)::bigint
    ELSE extract(p FROM second)::bigint - extract(p FROM first)::bigint END
  FROM (SELECT landfall_datepart(part)) AS named(p) $$;
CREATE FUNCTION pg_catalog.datediff(part text, first timestamptz, second timestamptz) RETURNS bigint
  LANGUAGE sql STABLE STRICT
  AS $$ SELECT datediff(part, first AT TIME ZONE 'UTC', second AT TIME ZONE 'UTC') $$;
CREATE FUNCTION pg_catalog.datediff(part text, first date, second date) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT datediff(part, first::timestamp, second::timestamp) $$;
CREATE FUNCTION pg_catalog.datediff(part text, first text, second text) RETURNS bigint
  LANGUAGE sql STABLE STRICT AS $$ SELECT datediff(part, first::timestamp, second::timestamp) $$;

CREATE FUNCTION pg_catalog.add_months(moment timestamp, amount integer) RETURNS timestamp
  LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN extract(day FROM moment + interval '1 day') = 1
    THEN date_trunc('month', moment) + make_interval(months => amount + 1) - interval '1 day' + moment::time
    ELSE moment + make_interval(months => amount) END $$;
CREATE FUNCTION pg_catalog.last_day(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT (date_trunc('month', moment) + interval '1 month' - interval '1 day')::date $$;
CREATE FUNCTION pg_catalog.months_between(first timestamp, second timestamp) RETURNS double precision
  LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE
    WHEN extract(day FROM first) = extract(day FROM second)
      OR (first::date = last_day(first) AND second::date = last_day(second))
    THEN datediff('month', second, first)::float8
    ELSE datediff('month', second, first) + (extract(day FROM first) - extract(day FROM second))::float8 / 31 END $$;
CREATE FUNCTION pg_catalog.trunc(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT moment::date $$;
CREATE FUNCTION pg_catalog.convert_timezone(zone text, moment timestamp) RETURNS timestamp
  LANGUAGE sql STABLE STRICT AS $$ SELECT (moment AT TIME ZONE 'UTC') AT TIME ZONE zone $$;
CREATE FUNCTION pg_catalog.convert_timezone(source text, zone text, moment timestamp) RETURNS timestamp
  LANGUAGE sql STABLE STRICT AS $$ SELECT (moment AT TIME ZONE source) AT TIME ZONE zone $$;

-- Strings.
CREATE FUNCTION pg_catalog.len(value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT length(value) $$;
CREATE FUNCTION pg_catalog.charindex(part text, value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT strpos(value, part) $$;
CREATE FUNCTION pg_catalog.strtol(value text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits text := lower(ltrim(value, '+-'));
  result bigint := 0;
  digit integer;
BEGIN
  IF base NOT BETWEEN 2 AND 36 THEN
    RAISE EXCEPTION 'base must be between 2 and 36' USING ERRCODE = '22023';
  END IF;
  IF base = 16 AND digits LIKE '0x%' THEN
    digits := substr(digits, 3);
  END IF;
  FOR position IN 1 .. length(digits) LOOP
    digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, position, 1)) - 1;
    IF digit NOT BETWEEN 0 AND base - 1 THEN
      RAISE EXCEPTION 'The input % is not valid to be converted to base %', value, base USING ERRCODE = '22P02';
    END IF;
    result := result * base + digit;
  END LOOP;
  RETURN CASE WHEN value LIKE '-%' THEN -result ELSE result END;
END $$;
CREATE FUNCTION pg_catalog.sha1(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RAISE EXCEPTION 'function sha1 is not available in this warehouse; use sha2(value, 256)' USING ERRCODE = '0A000';
END $$;
CREATE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT encode(CASE bits
    WHEN 0 THEN sha256(convert_to(value, 'UTF8'))
    WHEN 224 THEN sha224(convert_to(value, 'UTF8'))
    WHEN 256 THEN sha256(convert_to(value, 'UTF8'))
    WHEN 384 THEN sha384(convert_to(value, 'UTF8'))
    WHEN 512 THEN sha512(convert_to(value, 'UTF8')) END, 'hex') $$;

-- SUPER and JSON.
CREATE FUNCTION pg_catalog.json_parse(value text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT value::jsonb $$;
CREATE FUNCTION pg_catalog.json_serialize(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT value::text $$;
CREATE FUNCTION pg_catalog.is_valid_json(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT value IS JSON OBJECT $$;
CREATE FUNCTION pg_catalog.is_valid_json_array(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT value IS JSON ARRAY $$;
CREATE FUNCTION pg_catalog.can_json_parse(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT value IS JSON $$;
CREATE FUNCTION pg_catalog.json_typeof(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT jsonb_typeof(value) $$;
CREATE FUNCTION pg_catalog.json_extract_path_text(value text, VARIADIC path text[]) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT coalesce(jsonb_extract_path_text(value::jsonb, VARIADIC path), '') $$;
CREATE FUNCTION pg_catalog.json_array_length(value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT jsonb_array_length(value::jsonb) $$;
CREATE FUNCTION pg_catalog.json_extract_array_element_text(value text, item integer) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT value::jsonb ->> item $$;
CREATE FUNCTION pg_catalog.get_array_length(value jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT jsonb_array_length(value)::bigint $$;

-- LISTAGG without a separator, and as a plain aggregate; WITHIN GROUP is translated to string_agg.
CREATE FUNCTION pg_catalog.landfall_listagg_step(state text, value text) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT CASE WHEN value IS NULL THEN state ELSE coalesce(state, '') || value END $$;
CREATE AGGREGATE pg_catalog.listagg(text) (SFUNC = pg_catalog.landfall_listagg_step, STYPE = text);
CREATE FUNCTION pg_catalog.landfall_listagg_step(state text, value text, separator text) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN value IS NULL THEN state WHEN state IS NULL THEN value ELSE state || separator || value END $$;
CREATE AGGREGATE pg_catalog.listagg(text, text) (SFUNC = pg_catalog.landfall_listagg_step, STYPE = text);
CREATE FUNCTION pg_catalog.landfall_median(sorted double precision[]) RETURNS double precision
  LANGUAGE sql IMMUTABLE AS $$ SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest(sorted) AS t(v) $$;
CREATE AGGREGATE pg_catalog.median(double precision) (
  SFUNC = array_append, STYPE = double precision[], INITCOND = '{}', FINALFUNC = pg_catalog.landfall_median);

-- System views that scripts read.
CREATE VIEW pg_catalog.svv_tables AS
  SELECT current_database()::varchar(128) AS table_catalog, n.nspname::varchar(128) AS table_schema,
         c.relname::varchar(128) AS table_name,
         CASE WHEN n.oid = pg_my_temp_schema() THEN 'LOCAL TEMPORARY'
              WHEN c.relkind IN ('v', 'm') THEN 'VIEW' ELSE 'BASE TABLE' END::varchar AS table_type,
         obj_description(c.oid, 'pg_class')::varchar AS remarks
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\_toast%';
CREATE VIEW pg_catalog.svv_columns AS
  SELECT table_catalog::varchar, table_schema::varchar, table_name::varchar, column_name::varchar, ordinal_position,
         column_default::varchar, is_nullable::varchar, data_type::varchar, character_maximum_length,
         numeric_precision, numeric_scale
  FROM information_schema.columns;
CREATE VIEW pg_catalog.svv_table_info AS
  SELECT current_database()::varchar AS database, n.nspname::varchar AS schema, c.oid AS table_id,
         c.relname::varchar AS "table", pg_total_relation_size(c.oid) / 1048576 AS size,
         greatest(c.reltuples, 0)::numeric(38, 0) AS tbl_rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema';
CREATE VIEW pg_catalog.pg_table_def AS
  SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
         format_type(a.atttypid, a.atttypmod) AS type, 'none'::varchar AS encoding, false AS distkey, 0 AS sortkey,
         a.attnotnull AS "notnull"
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm')
    AND n.nspname = ANY (current_schemas(true));

-- COPY writes what it could not load here; the load's own transaction is rolled back, so the loader uses another one.
CREATE SEQUENCE pg_catalog.landfall_query_id;
GRANT USAGE ON SEQUENCE pg_catalog.landfall_query_id TO PUBLIC;
CREATE TABLE pg_catalog.landfall_load_errors (
  user_name varchar(128) NOT NULL, query_id bigint NOT NULL, start_time timestamp NOT NULL,
  table_name varchar(128) NOT NULL, file_name varchar(256) NOT NULL, line_number bigint NOT NULL,
  column_name varchar(127) NOT NULL, error_message varchar(1024) NOT NULL);
CREATE FUNCTION pg_catalog.landfall_record_load_error(
    target text, file text, line bigint, field text, message text) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
  INSERT INTO pg_catalog.landfall_load_errors
  VALUES (session_user, nextval('pg_catalog.landfall_query_id'), statement_timestamp() AT TIME ZONE 'UTC',
          left(target, 128), left(file, 256), line, left(field, 127), left(message, 1024))
  RETURNING query_id $$;
-- An ordinary user sees the errors of its own loads only, as in Redshift.
CREATE VIEW pg_catalog.sys_load_error_detail AS
  SELECT user_name, query_id, start_time, table_name, file_name, line_number, column_name, error_message
  FROM pg_catalog.landfall_load_errors
  WHERE user_name = session_user OR pg_has_role(session_user, 'pg_monitor', 'USAGE');
CREATE VIEW pg_catalog.stl_load_errors AS
  SELECT query_id AS query, start_time AS starttime, table_name AS tbl, file_name AS filename, line_number,
         column_name AS colname, error_message AS err_reason
  FROM pg_catalog.sys_load_error_detail;
GRANT SELECT ON pg_catalog.svv_tables, pg_catalog.svv_columns, pg_catalog.svv_table_info, pg_catalog.pg_table_def,
  pg_catalog.sys_load_error_detail, pg_catalog.stl_load_errors TO PUBLIC;
