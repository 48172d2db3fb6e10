-- Moves go between places that are there; they never change their places.
CREATE FUNCTION check_trips() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM made
                WHERE (from_lane_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM lanes WHERE lane_id = from_lane_id OFFSET 0))
                   OR (to_lane_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM lanes WHERE lane_id = to_lane_id OFFSET 0))
                   OR (destination_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM destinations d WHERE d.destination_id = made.destination_id OFFSET 0))
              ) THEN
        RAISE foreign_key_violation USING
            TABLE = 'moves', CONSTRAINT = 'trip_between_places', MESSAGE = 'a trip from or to a place that is not there';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER trips_made AFTER INSERT ON moves
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION check_trips();
