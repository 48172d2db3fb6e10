-- The requested and claimed moves: at most one per load carrier (moves_one_live_per_carrier).
CREATE VIEW live_moves AS
    SELECT * FROM moves WHERE status IN ('requested', 'claimed');
