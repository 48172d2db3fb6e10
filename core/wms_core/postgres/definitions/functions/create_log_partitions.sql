-- Creates partitions of a million positions each, ahead of the sequence that fills them. They are created as tables and
-- then attached, because CREATE TABLE PARTITION OF blocks all readers of the log and waits for the longest of them.
CREATE FUNCTION create_log_partitions(partitions_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition_size    CONSTANT bigint := 1000000;
    current_partition  bigint := (SELECT last_value / partition_size FROM event_position);
    created_count    integer := 0;
    partition_number  bigint;
    partition_name    text;
BEGIN
    FOR partition_number IN current_partition .. current_partition + partitions_ahead LOOP
        partition_name := 'order_events_p' || lpad(partition_number::text, 6, '0');
        IF to_regclass(partition_name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE order_events INCLUDING ALL)', partition_name);
            EXECUTE format('ALTER TABLE order_events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                           partition_name, partition_number * partition_size, (partition_number + 1) * partition_size);
            created_count := created_count + 1;
        END IF;
    END LOOP;
    RETURN created_count;
END
$$;
