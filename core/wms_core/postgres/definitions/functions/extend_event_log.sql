-- Partitions of a million positions each, made ahead of the sequence that fills them. They are attached, not made
-- in place, which would lock every reader of the log out and wait for the longest of them.
CREATE FUNCTION extend_event_log(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    size    CONSTANT bigint := 1000000;
    newest  bigint := (SELECT last_value / size FROM event_position);
    made    integer := 0;
    number  bigint;
    name    text;
BEGIN
    FOR number IN newest .. newest + ahead LOOP
        name := 'order_events_p' || lpad(number::text, 6, '0');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE order_events INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE order_events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                           name, number * size, (number + 1) * size);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
