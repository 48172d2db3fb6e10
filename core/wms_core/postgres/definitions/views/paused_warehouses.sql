-- The warehouses with an active pause of their own or of all warehouses. A warehouse with both has two rows.
CREATE VIEW paused_warehouses AS
    SELECT w.warehouse_id
      FROM active_pauses p JOIN warehouses w ON p.warehouse_id IN ('', w.warehouse_id);
