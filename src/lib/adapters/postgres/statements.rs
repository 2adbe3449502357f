//! The questions that the server is asked, those about others apart. Columns are text, whole numbers and truth values, so that a row
//! means the same in every version; what a version does not have is asked for by name and simply not found.

/// Whether this session is bound to what it asked for at its start. Where it is, what is at work ends within a second where its
/// client is gone, if the server can do that, and a vacuum rests as autovacuum does, if the server lets others not rest at all.
pub(super) const BOUND: &str = "
    SELECT asked.is_bound, CASE WHEN asked.is_bound THEN
               (SELECT count(set_config(name, own.value, false))
                FROM (VALUES ('client_connection_check_interval', '1000'),
                             ('vacuum_cost_delay', '2')) AS own (name, value)
                JOIN pg_settings AS known USING (name)
                WHERE name <> 'vacuum_cost_delay' OR known.setting = '0') END
    FROM (SELECT bool_and(known.setting = wanted.value) AS is_bound
          FROM (VALUES ('lock_timeout', $1), ('statement_timeout', $2)) AS wanted (name, value)
          JOIN pg_settings AS known USING (name)) AS asked";

/// What the server is, whether its autovacuum is on and rows are counted, and at what ages of a table that comes in any case.
pub(super) const SERVER: &str = "
    SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(),
           current_setting('autovacuum')::boolean, current_setting('track_counts')::boolean,
           current_setting('autovacuum_freeze_max_age')::bigint,
           current_setting('autovacuum_multixact_freeze_max_age')::bigint";

/// The tables, those of the system and of sessions left out. What autovacuum waits for is the server's own rule: a threshold and
/// a share of the rows, of the table's own settings or the server's; inserted rows count where the threshold is not negative,
/// from version 13 on.
pub(super) const TABLES: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           space.nspname::text, class.relname::text,
           greatest(coalesce(stat.n_live_tup, 0), class.reltuples::bigint, 0),
           coalesce(stat.n_dead_tup, 0),
           (due.dead + due.dead_scale * greatest(class.reltuples, 0))::bigint,
           coalesce((to_jsonb(stat) ->> 'n_ins_since_vacuum')::bigint, 0),
           CASE WHEN due.inserted >= 0
                THEN (due.inserted + due.inserted_scale * greatest(class.reltuples, 0))::bigint END,
           coalesce(stat.n_mod_since_analyze, 0),
           (due.changed + due.changed_scale * greatest(class.reltuples, 0))::bigint,
           greatest(age(class.relfrozenxid), age(toast.relfrozenxid))::bigint,
           greatest(mxid_age(class.relminmxid), mxid_age(toast.relminmxid))::bigint,
           coalesce(stat.vacuum_count, 0),
           coalesce(NOT (own.options ->> 'autovacuum_enabled')::boolean, false),
           (extract(epoch FROM clock_timestamp() - greatest(stat.last_vacuum, stat.last_autovacuum))
            * 1000)::bigint
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN pg_class AS toast ON toast.oid = class.reltoastrelid
    LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = class.oid
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(option_name, option_value) AS options
        FROM pg_options_to_table(class.reloptions)) AS own ON true
    CROSS JOIN LATERAL (
        SELECT max(value) FILTER (WHERE name = 'vacuum_threshold') AS dead,
               max(value) FILTER (WHERE name = 'vacuum_scale_factor') AS dead_scale,
               max(value) FILTER (WHERE name = 'vacuum_insert_threshold') AS inserted,
               max(value) FILTER (WHERE name = 'vacuum_insert_scale_factor') AS inserted_scale,
               max(value) FILTER (WHERE name = 'analyze_threshold') AS changed,
               max(value) FILTER (WHERE name = 'analyze_scale_factor') AS changed_scale
        FROM (SELECT name, coalesce(own.options ->> ('autovacuum_' || name),
                                    current_setting('autovacuum_' || name, true))::float8 AS value
              FROM unnest(ARRAY['vacuum_threshold', 'vacuum_scale_factor',
                                'vacuum_insert_threshold', 'vacuum_insert_scale_factor',
                                'analyze_threshold', 'analyze_scale_factor']) AS name) AS rule) AS due
    WHERE class.relkind IN ('r', 'm') AND class.relpersistence <> 't'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema')
      AND left(space.nspname, 8) <> 'pg_toast'
    ORDER BY 1";

/// Tables that are divided into others, and the tables that their rows lie in.
pub(super) const PARTITIONED: &str = "
    SELECT space.nspname::text, class.relname::text,
           quote_ident(leaf_space.nspname) || '.' || quote_ident(leaf.relname)
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN LATERAL pg_partition_tree(class.oid) AS part ON part.isleaf
    LEFT JOIN pg_class AS leaf ON leaf.oid = part.relid AND leaf.relkind = 'r'
    LEFT JOIN pg_namespace AS leaf_space ON leaf_space.oid = leaf.relnamespace
    WHERE class.relkind = 'p'
    ORDER BY 1, 2, 3";

/// What else the server stops for when it becomes too old, the oldest of each kind: tables of the system, of sessions, and other
/// databases of the server.
pub(super) const ELSEWHERE: &str = "
    SELECT DISTINCT ON (kind) kind, name, age, multixact_age
    FROM (SELECT CASE class.relpersistence WHEN 't' THEN 'temporary' ELSE 'catalogue' END AS kind,
                 quote_ident(space.nspname) || '.' || quote_ident(class.relname) AS name,
                 age(class.relfrozenxid)::bigint AS age,
                 mxid_age(class.relminmxid)::bigint AS multixact_age
          FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
          WHERE class.relkind IN ('r', 'm', 't') AND class.relfrozenxid <> '0'
            AND (class.relpersistence = 't' OR space.nspname IN ('pg_catalog', 'information_schema'))
          UNION ALL
          SELECT 'database', quote_ident(datname), age(datfrozenxid)::bigint,
                 mxid_age(datminmxid)::bigint
          FROM pg_database WHERE datname <> current_database()) AS old
    ORDER BY kind, greatest(age, multixact_age) DESC, name";

/// Indexes that are not valid, those of partitioned tables left out, which are so until each of their parts has one. Where this
/// user may not see who builds what, any build in this database counts as one of theirs.
pub(super) const INVALID: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           quote_ident(of_space.nspname) || '.' || quote_ident(of_table.relname),
           EXISTS (SELECT FROM pg_stat_progress_create_index AS work
                   WHERE work.datname = current_database()
                     AND (work.relid IS NULL OR work.relid = own.indrelid))
           OR EXISTS (SELECT FROM pg_locks AS held
                      WHERE held.database = (SELECT oid FROM pg_database
                                             WHERE datname = current_database())
                        AND held.relation = class.oid AND held.granted
                        AND held.pid <> pg_backend_pid()
                        AND held.mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')),
           NOT class.relispartition
             AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = class.oid)
    FROM pg_index AS own
    JOIN pg_class AS class ON class.oid = own.indexrelid
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_class AS of_table ON of_table.oid = own.indrelid
    JOIN pg_namespace AS of_space ON of_space.oid = of_table.relnamespace
    WHERE NOT own.indisvalid AND class.relkind = 'i'
      AND left(space.nspname, 8) <> 'pg_toast'
    ORDER BY 1";

/// Indexes of the usual kind (btree) of at least so many bytes, with what they would take anew: a header of eight bytes and a
/// pointer of four for each entry, its columns' average width rounded up to eight, whole entries in pages of which 24 and 16 bytes
/// are the server's and a tenth stays free, or what the index's own fill factor leaves. Entries are counted as they were at the last
/// statistics; of an index that grew since as many more. Equal entries that newer servers fold make a real one smaller, so that the
/// estimate never finds too much. An index whose columns have no statistics, or are expressions, is left out; so is one whose entries
/// are so wide that an estimate says little, and one that cannot be built beside itself. Who asks for the size of one waits for
/// whoever has it for themselves: of such a one the last count of its pages is taken.
/// The folder that it lies in on the server's host not everybody may know.
pub(super) const BLOATED: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           quote_ident(of_space.nspname) || '.' || quote_ident(of_table.relname),
           real.bytes,
           (ceil(class.reltuples * real.bytes / (class.relpages * page.bytes)
                 / floor((page.bytes - 40) * fill.factor / 100 / entry.bytes)) + 1)::bigint
             * page.bytes,
           class.relfilenode::bigint,
           coalesce(nullif(pg_tablespace_location(class.reltablespace), ''),
                    (SELECT setting FROM pg_settings WHERE name = 'data_directory'))
    FROM pg_index AS own
    JOIN pg_class AS class ON class.oid = own.indexrelid
    JOIN pg_am AS kind ON kind.oid = class.relam AND kind.amname = 'btree'
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_class AS of_table ON of_table.oid = own.indrelid
    JOIN pg_namespace AS of_space ON of_space.oid = of_table.relnamespace
    JOIN LATERAL (
        SELECT sum(stat.avg_width)::float8 AS bytes, count(*) AS known
        FROM unnest(own.indkey::smallint[]) AS place
        JOIN pg_attribute AS part ON part.attrelid = own.indrelid AND part.attnum = place
        JOIN pg_stats AS stat ON stat.schemaname = of_space.nspname
          AND stat.tablename = of_table.relname AND stat.attname = part.attname
          AND NOT stat.inherited) AS width
      ON width.known = array_length(own.indkey::smallint[], 1)
    CROSS JOIN (SELECT current_setting('block_size')::bigint AS bytes) AS page
    CROSS JOIN LATERAL (SELECT 12 + 8 * ceil(width.bytes / 8.0) AS bytes) AS entry
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT option_value::float8 FROM pg_options_to_table(class.reloptions)
                         WHERE option_name = 'fillfactor'), 90) AS factor) AS fill
    CROSS JOIN LATERAL (
        SELECT CASE WHEN EXISTS (SELECT FROM pg_locks AS held
                                 WHERE held.relation = class.oid AND held.mode = 'AccessExclusiveLock'
                                   AND held.database = (SELECT oid FROM pg_database
                                                        WHERE datname = current_database()))
                    THEN class.relpages * page.bytes
                    ELSE pg_relation_size(class.oid) END AS bytes) AS real
    WHERE own.indisvalid AND NOT own.indisexclusion AND class.relkind = 'i'
      AND class.reltuples >= 0 AND class.relpages > 0 AND entry.bytes * 8 <= page.bytes
      AND class.relpersistence = 'p' AND class.relpages * page.bytes >= $1
      AND space.nspname NOT IN ('pg_catalog', 'information_schema')
      AND left(space.nspname, 8) <> 'pg_toast'
    ORDER BY 1";

/// Sequences that end, with each column that one fills: the one that owns it, and those whose default asks it. A column that is
/// as its parent's is left out, because nobody can change it there. The last value is null where this user may not read it.
/// Those of sessions are left out, and on a standby those that are not logged, which it does not have.
pub(super) const COUNTERS: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           quote_ident(of_space.nspname) || '.' || quote_ident(of_table.relname),
           quote_ident(part.attname),
           CASE WHEN has_sequence_privilege(class.oid, 'SELECT, USAGE')
                THEN coalesce(pg_sequence_last_value(class.oid), 0) END,
           own.seqmin, own.seqmax,
           CASE coalesce(nullif(kind.typbasetype, 0::oid), part.atttypid)
                WHEN 21 THEN 32767::bigint WHEN 23 THEN 2147483647::bigint END
    FROM pg_sequence AS own
    JOIN pg_class AS class ON class.oid = own.seqrelid
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN LATERAL (
        SELECT tie.refobjid AS of_table, tie.refobjsubid AS place
        FROM pg_depend AS tie
        WHERE tie.classid = 'pg_class'::regclass AND tie.objid = class.oid
          AND tie.refclassid = 'pg_class'::regclass AND tie.refobjsubid > 0
          AND tie.deptype IN ('a', 'i')
        UNION
        SELECT preset.adrelid, preset.adnum::int
        FROM pg_depend AS tie
        JOIN pg_attrdef AS preset ON preset.oid = tie.objid
        JOIN pg_class AS target ON target.oid = preset.adrelid AND target.relkind IN ('r', 'p')
        JOIN pg_attribute AS own_part ON own_part.attrelid = preset.adrelid
          AND own_part.attnum = preset.adnum AND own_part.attinhcount = 0
        WHERE tie.classid = 'pg_attrdef'::regclass AND tie.refclassid = 'pg_class'::regclass
          AND tie.refobjid = class.oid) AS fills ON true
    LEFT JOIN pg_class AS of_table ON of_table.oid = fills.of_table
    LEFT JOIN pg_namespace AS of_space ON of_space.oid = of_table.relnamespace
    LEFT JOIN pg_attribute AS part ON part.attrelid = fills.of_table AND part.attnum = fills.place
    LEFT JOIN pg_type AS kind ON kind.oid = part.atttypid
    WHERE NOT own.seqcycle AND own.seqincrement > 0 AND class.relpersistence <> 't'
      AND (class.relpersistence = 'p' OR NOT pg_is_in_recovery())
    ORDER BY 1, 2, 3";

/// Columns of small whole numbers that are keys, or refer to keys, with the largest value that statistics know: numbers may come
/// from elsewhere than a sequence, and a reference may be smaller than the key. The largest of all that the type holds is left out: it
/// stands for \"none\" or \"others\" where people use it. What is above all that statistics have seen is seen after the next.
pub(super) const KEYS: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname), quote_ident(part.attname),
           coalesce(max(value::bigint) FILTER (WHERE value::bigint < holds.most), 0), holds.most
    FROM pg_attribute AS part
    JOIN pg_class AS class ON class.oid = part.attrelid
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_type AS kind ON kind.oid = part.atttypid
    JOIN (VALUES (21::oid, 32767::bigint), (23::oid, 2147483647::bigint)) AS holds (type, most)
      ON holds.type = coalesce(nullif(kind.typbasetype, 0::oid), part.atttypid)
    JOIN pg_stats AS stat ON stat.schemaname = space.nspname AND stat.tablename = class.relname
      AND stat.attname = part.attname
    CROSS JOIN LATERAL unnest(
        string_to_array(btrim(stat.histogram_bounds::text, '{}'), ',')
        || string_to_array(btrim(stat.most_common_vals::text, '{}'), ',')) AS value
    WHERE class.relkind IN ('r', 'p') AND part.attinhcount = 0
      AND (EXISTS (SELECT FROM pg_index AS own WHERE own.indrelid = class.oid AND own.indisunique
                   AND own.indnkeyatts = 1 AND own.indkey[0] = part.attnum)
           OR EXISTS (SELECT FROM pg_constraint AS tie WHERE tie.contype = 'f'
                      AND tie.conrelid = class.oid AND part.attnum = ANY (tie.conkey)))
    GROUP BY 1, 2, holds.most
    ORDER BY 1, 2";

/// One table, by its schema and name as SQL would write them.
pub(super) const TABLE: &str = "
    SELECT pg_total_relation_size(class.oid), coalesce(stat.n_dead_tup, 0),
           coalesce((to_jsonb(stat) ->> 'n_ins_since_vacuum')::bigint, 0),
           coalesce(stat.n_mod_since_analyze, 0),
           coalesce(greatest(age(class.relfrozenxid), age(toast.relfrozenxid)), 0)::bigint,
           coalesce(greatest(mxid_age(class.relminmxid), mxid_age(toast.relminmxid)), 0)::bigint,
           coalesce(stat.vacuum_count, 0), coalesce(stat.analyze_count, 0)
    FROM pg_class AS class
    LEFT JOIN pg_class AS toast ON toast.oid = class.reltoastrelid
    LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = class.oid
    WHERE class.oid = to_regclass($1) AND class.relkind IN ('r', 'm')";

/// One index, by its schema and name as SQL would write them.
pub(super) const INDEX: &str = "
    SELECT pg_relation_size(class.oid), class.relfilenode::bigint, own.indisvalid
    FROM pg_class AS class JOIN pg_index AS own ON own.indexrelid = class.oid
    WHERE class.oid = to_regclass($1)";

/// How large an index is, and the folder that it lies in on the server's host; not everybody may ask for that one.
pub(super) const PLACE: &str = "
    SELECT pg_relation_size(class.oid),
           coalesce(nullif(pg_tablespace_location(class.reltablespace), ''),
                    current_setting('data_directory'))
    FROM pg_class AS class WHERE class.oid = to_regclass($1)";

/// How many sessions wait for a lock because of this process of the server. Who waits anybody may see here, and not in the list of
/// sessions.
pub(super) const WAITERS: &str = "
    SELECT count(*) FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS waiting
    WHERE $1 = ANY (pg_blocking_pids(pid))";

/// How many sessions wait for a lock that any of our own holds or waits for.
pub(super) const WAITERS_FOR_US: &str = "
    SELECT count(*) FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS waiting
    WHERE EXISTS (
      SELECT 1 FROM pg_stat_activity AS ours
      WHERE ours.application_name = $1 AND ours.pid = ANY (pg_blocking_pids(waiting.pid)))";

/// Asks a process of the server to end its statement.
pub(super) const CANCEL: &str = "SELECT pg_cancel_backend($1)";

/// The server's process of this session.
pub(super) const PID: &str = "SELECT pg_backend_pid()";

/// The name of the database, and the identity of its server's data; a user who may not ask for that one gives it no identity.
pub(super) const IDENTITY: &str = "
    SELECT current_database()::text,
           CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')
                THEN (SELECT system_identifier::text FROM pg_control_system()) ELSE '' END";

/// What the database takes on its disk.
pub(super) const SIZE: &str = "SELECT pg_database_size(current_database())";

/// The moment of this transaction, for others to look at.
pub(super) const EXPORT: &str = "SELECT pg_export_snapshot()";

/// The extensions and their versions; the language that every database has left out.
pub(super) const EXTENSIONS: &str =
    "SELECT extname::text, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1";

/// The roles that people made.
pub(super) const ROLES: &str =
    "SELECT quote_ident(rolname) FROM pg_roles WHERE left(rolname, 3) <> 'pg_' ORDER BY 1";

/// The tables that a dump holds, how many rows each has as far as statistics know, and its size where that is asked for, which a
/// table that somebody has for themselves does not tell; what belongs to an extension comes with that one, and what is not logged
/// is not promised to last.
pub(super) const ROWS: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           greatest(coalesce(stat.n_live_tup, 0), class.reltuples::bigint, 0),
           CASE WHEN $1 THEN pg_relation_size(class.oid) ELSE 0 END
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = class.oid
    WHERE class.relkind = 'r' AND class.relpersistence = 'p'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_depend AS own
                      WHERE own.classid = 'pg_class'::regclass AND own.objid = class.oid
                        AND own.deptype = 'e')
    ORDER BY 3, 1";
