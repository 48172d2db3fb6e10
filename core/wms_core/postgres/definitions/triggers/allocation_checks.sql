-- Check that a live allocation has the destination of its load carrier, and that its order exists.
CREATE FUNCTION raise_allocation_error(violated_constraint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING
        TABLE = 'allocations', CONSTRAINT = violated_constraint, MESSAGE = format('an allocation violates "%s"', violated_constraint);
END
$$;

-- A separate statement locks the load carriers: it waits for a transaction that changes a destination, and the check
-- then sees the new destination.
CREATE FUNCTION check_new_allocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM carriers WHERE carrier_id = ANY (ARRAY (SELECT carrier_id FROM inserted_allocations)) ORDER BY carrier_id FOR SHARE;
    PERFORM raise_allocation_error('allocation_target_matches_carrier')
      FROM inserted_allocations m
     WHERE m.target_id <> coalesce((SELECT c.destination_id FROM carriers c WHERE c.carrier_id = m.carrier_id), '');
    PERFORM raise_allocation_error('allocation_order_exists')
      FROM inserted_allocations m
     WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = m.order_id OFFSET 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER allocations_inserted AFTER INSERT ON allocations
    REFERENCING NEW TABLE AS inserted_allocations FOR EACH STATEMENT EXECUTE FUNCTION check_new_allocations();

-- Rare, and never in the cycle: an allocation that changes without ending.
CREATE FUNCTION check_changed_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM carriers WHERE carrier_id = NEW.carrier_id FOR SHARE;
    IF NOT EXISTS (SELECT FROM carriers WHERE carrier_id = NEW.carrier_id AND destination_id = NEW.target_id) THEN
        PERFORM raise_allocation_error('allocation_target_matches_carrier');
    ELSIF NOT EXISTS (SELECT FROM orders WHERE order_id = NEW.order_id) THEN
        PERFORM raise_allocation_error('allocation_order_exists');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER allocation_updated AFTER UPDATE ON allocations FOR EACH ROW
    WHEN (NEW.target_id IS NOT NULL
          AND (NEW.order_id, NEW.carrier_id, NEW.target_id) IS DISTINCT FROM (OLD.order_id, OLD.carrier_id, OLD.target_id))
    EXECUTE FUNCTION check_changed_allocation();

-- A load carrier cannot change its destination while it has live allocations for the old one.
CREATE FUNCTION check_carrier_destination() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM allocations WHERE carrier_id = OLD.carrier_id AND target_id = OLD.destination_id) THEN
        PERFORM raise_allocation_error('allocation_target_matches_carrier');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER carrier_destination_updated AFTER UPDATE ON carriers FOR EACH ROW
    WHEN (OLD.destination_id <> coalesce(NEW.destination_id, '') OR OLD.carrier_id <> NEW.carrier_id)
    EXECUTE FUNCTION check_carrier_destination();
