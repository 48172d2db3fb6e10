-- Counts entries as the queue changes (docs/adr/0019).
CREATE FUNCTION count_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, -count(*) FROM gone GROUP BY final_failure_status, resolution;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, count(*) FROM come GROUP BY final_failure_status, resolution;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER dead_letters_made AFTER INSERT ON dead_letter_entries
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_decided AFTER UPDATE ON dead_letter_entries
    REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_removed AFTER DELETE ON dead_letter_entries
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
