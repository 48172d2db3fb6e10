-- A carrier as it is read; `place` counts from the head of its lane.
CREATE VIEW carrier_documents AS
    SELECT c.*,
           (SELECT count(*) FROM carriers h WHERE h.lane_id = c.lane_id AND h.lane_position <= c.lane_position)
               AS place
      FROM carriers c;
