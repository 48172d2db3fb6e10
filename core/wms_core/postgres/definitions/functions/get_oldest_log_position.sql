-- Returns the oldest position after which the log can be read. It is derived from the name of the oldest partition,
-- which is cheap and always correct. It is the position before the first one of the partition.
CREATE FUNCTION get_oldest_log_position() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(min(substr(c.relname, 15)::bigint) * 1000000 - 1, 0)
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'order_events'::regclass
$$;
