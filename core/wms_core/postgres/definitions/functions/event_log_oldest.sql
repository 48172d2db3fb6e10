-- The first position that the log can be read from, told by its oldest partition: cheap, and never wrong. What a
-- partition begins with comes after the position before it.
CREATE FUNCTION event_log_oldest() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(min(substr(c.relname, 15)::bigint) * 1000000 - 1, 0)
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'order_events'::regclass
$$;
