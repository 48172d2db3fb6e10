-- The moves that are under way: a carrier has one at most (moves_live).
CREATE VIEW live_moves AS
    SELECT * FROM moves WHERE status IN ('requested', 'claimed');
