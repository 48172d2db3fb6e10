-- A load carrier with its place in the lane: position_in_lane counts from the head, which is 1.
CREATE VIEW carrier_documents AS
    SELECT c.*,
           (SELECT count(*) FROM carriers h WHERE h.lane_id = c.lane_id AND h.lane_position <= c.lane_position)
               AS position_in_lane
      FROM carriers c;
