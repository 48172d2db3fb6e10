-- The warehouses for which a pause is active, of their own or of all; a warehouse with both is here twice.
CREATE VIEW paused_warehouses AS
    SELECT w.warehouse_id
      FROM active_pauses p JOIN warehouses w ON p.warehouse_id IN ('', w.warehouse_id);
