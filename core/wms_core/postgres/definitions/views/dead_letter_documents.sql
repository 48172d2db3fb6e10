-- A dead letter entry with its decisions in order.
CREATE VIEW dead_letter_documents AS
    SELECT e.*,
           (SELECT json_agg(json_build_object('resolution', r.resolution, 'notes', r.notes,
                                              'resolved_by', r.resolved_by, 'resolved_at', r.resolved_at)
                            ORDER BY r.number)
              FROM dead_letter_resolutions r WHERE r.entry_id = e.entry_id) AS decisions
      FROM dead_letter_entries e;
