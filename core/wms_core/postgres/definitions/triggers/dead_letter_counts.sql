-- Counts the entries of the dead letter queue at each change (docs/adr/0019).
CREATE FUNCTION count_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, -count(*) FROM old_entries GROUP BY final_failure_status, resolution;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, count(*) FROM new_entries GROUP BY final_failure_status, resolution;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER dead_letters_inserted AFTER INSERT ON dead_letter_entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_updated AFTER UPDATE ON dead_letter_entries
    REFERENCING OLD TABLE AS old_entries NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_deleted AFTER DELETE ON dead_letter_entries
    REFERENCING OLD TABLE AS old_entries FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
