-- What is live on a carrier goes where the carrier goes, and belongs to an order that is there.
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
