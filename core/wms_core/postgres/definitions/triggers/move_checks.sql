-- Check that the lanes and destinations of new moves exist. Moves never change them later.
CREATE FUNCTION check_move_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted_moves
                WHERE (from_lane_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM lanes WHERE lane_id = from_lane_id OFFSET 0))
                   OR (to_lane_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM lanes WHERE lane_id = to_lane_id OFFSET 0))
                   OR (destination_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM destinations d WHERE d.destination_id = inserted_moves.destination_id OFFSET 0))
              ) THEN
        RAISE foreign_key_violation USING
            TABLE = 'moves', CONSTRAINT = 'move_endpoints_exist', MESSAGE = 'a trip from or to a place that is not there';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER moves_inserted AFTER INSERT ON moves
    REFERENCING NEW TABLE AS inserted_moves FOR EACH STATEMENT EXECUTE FUNCTION check_move_endpoints();
