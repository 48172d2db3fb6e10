"""Pages of lanes and carriers, ordered by id."""

from typing import Any

from wms_core.application.ports import CarrierFilter, LaneFilter
from wms_core.postgres.conditions import Conditions


def lane_page(wanted: LaneFilter, after: str, limit: int) -> tuple[str, list[Any]]:
    """Give the query for lanes after an id, and its parameters."""
    conditions = Conditions()
    conditions.add("lane_id > ?", after)
    if wanted.warehouse_id:
        conditions.add("warehouse_id = ?", wanted.warehouse_id)
    if wanted.zone:
        conditions.add("zone = ?", wanted.zone)
    if wanted.statuses:
        conditions.add("status = ANY (?::text[])", list(wanted.statuses))
    limited = conditions.parameter(limit)
    sql = f"SELECT * FROM lanes{conditions.where} ORDER BY lane_id LIMIT {limited}"  # noqa: S608
    return sql, conditions.values


def carrier_page(wanted: CarrierFilter, after: str, limit: int) -> tuple[str, list[Any]]:
    """Give the query for carriers after an id, and its parameters; without places, those not gone."""
    conditions = Conditions()
    conditions.add("carrier_id > ?", after)
    for column in ("warehouse_id", "sku", "lane_id", "destination_id"):
        if value := getattr(wanted, column):
            conditions.add(f"{column} = ?", value)
    if wanted.statuses:
        conditions.add("status = ANY (?::text[])", list(wanted.statuses))
    if wanted.locations:
        conditions.add("location = ANY (?::text[])", list(wanted.locations))
    else:
        conditions.add("location <> 'left'")
    limited = conditions.parameter(limit)
    sql = f"SELECT * FROM carrier_documents{conditions.where} ORDER BY carrier_id LIMIT {limited}"  # noqa: S608
    return sql, conditions.values
