-- A foreign key looks its row up and locks it for each row that refers to it. Promises are made by the thousand in one
-- statement: what they refer to is looked up by one query then. What holds is the same: what is live on a carrier goes
-- where the carrier goes, and belongs to an order that is there. Orders, carriers, lanes and destinations are never
-- deleted, so nothing has to be kept from that.
ALTER TABLE allocations DROP CONSTRAINT allocations_order_id_fkey;
ALTER TABLE allocations DROP CONSTRAINT allocations_carrier_id_target_id_fkey;
-- Only that foreign key needed it.
ALTER TABLE carriers DROP CONSTRAINT carriers_carrier_id_destination_id_key;
-- A carrier gets its destination from what is promised of it.
ALTER TABLE carriers DROP CONSTRAINT carriers_destination_id_warehouse_id_fkey;
ALTER TABLE moves DROP CONSTRAINT moves_from_lane_id_fkey;
ALTER TABLE moves DROP CONSTRAINT moves_to_lane_id_fkey;
ALTER TABLE moves DROP CONSTRAINT moves_destination_id_fkey;

CREATE FUNCTION refuse_promise(broken text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING
        TABLE = 'allocations', CONSTRAINT = broken, MESSAGE = format('an allocation violates "%s"', broken);
END
$$;

-- The carriers are locked in a statement of its own: whoever sends one elsewhere is waited for, and it is seen.
CREATE FUNCTION check_promises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM carriers WHERE carrier_id = ANY (ARRAY (SELECT carrier_id FROM made)) ORDER BY carrier_id FOR SHARE;
    PERFORM refuse_promise('promised_where_it_goes')
      FROM made m
     WHERE m.target_id <> coalesce((SELECT c.destination_id FROM carriers c WHERE c.carrier_id = m.carrier_id), '');
    PERFORM refuse_promise('promised_to_an_order')
      FROM made m
     WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = m.order_id OFFSET 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER promises_made AFTER INSERT ON allocations
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION check_promises();

-- Rare, and never in the cycle: a promise that is changed, not ended.
CREATE FUNCTION check_changed_promise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM carriers WHERE carrier_id = NEW.carrier_id FOR SHARE;
    IF NOT EXISTS (SELECT FROM carriers WHERE carrier_id = NEW.carrier_id AND destination_id = NEW.target_id) THEN
        PERFORM refuse_promise('promised_where_it_goes');
    ELSIF NOT EXISTS (SELECT FROM orders WHERE order_id = NEW.order_id) THEN
        PERFORM refuse_promise('promised_to_an_order');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER promise_changed AFTER UPDATE ON allocations FOR EACH ROW
    WHEN (NEW.target_id IS NOT NULL
          AND (NEW.order_id, NEW.carrier_id, NEW.target_id) IS DISTINCT FROM (OLD.order_id, OLD.carrier_id, OLD.target_id))
    EXECUTE FUNCTION check_changed_promise();

-- Nothing that is promised of a carrier stays behind when it is sent elsewhere.
CREATE FUNCTION check_new_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM allocations WHERE carrier_id = OLD.carrier_id AND target_id = OLD.destination_id) THEN
        PERFORM refuse_promise('promised_where_it_goes');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER carrier_sent_elsewhere AFTER UPDATE ON carriers FOR EACH ROW
    WHEN (OLD.destination_id <> coalesce(NEW.destination_id, '') OR OLD.carrier_id <> NEW.carrier_id)
    EXECUTE FUNCTION check_new_way();

-- The same for trips, which never change their places.
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

-- A carrier is written a few times for each trip: with room on its page most of that leaves its indexes alone.
ALTER TABLE carriers SET (fillfactor = 70);
