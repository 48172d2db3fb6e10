"""A unit of work: the stores on one connection."""

from wms_core.postgres.backorder_store import PostgresBackorderStore
from wms_core.postgres.connection import Connection
from wms_core.postgres.cycle_store import PostgresCycleStore
from wms_core.postgres.dead_letter_store import PostgresDeadLetterStore
from wms_core.postgres.event_log_store import PostgresEventLogStore
from wms_core.postgres.fulfillment_store import PostgresFulfillmentStore
from wms_core.postgres.metrics_store import PostgresMetricsStore
from wms_core.postgres.order_store import PostgresOrderStore
from wms_core.postgres.page_token_store import PostgresPageTokenStore
from wms_core.postgres.relay_store import PostgresRelayStore
from wms_core.postgres.request_store import PostgresRequestStore
from wms_core.postgres.storage_store import PostgresStorageStore
from wms_core.postgres.worker_store import PostgresWorkerStore


class PostgresTransaction:
    """See `application.ports.Transaction`."""

    def __init__(self, connection: Connection, event_max_bytes: int) -> None:
        """Take a connection on which the transaction has begun, and the size of the largest event."""
        self.orders = PostgresOrderStore(connection, event_max_bytes)
        self.events = PostgresEventLogStore(connection)
        self.dead_letters = PostgresDeadLetterStore(connection)
        self.requests = PostgresRequestStore(connection)
        self.storage = PostgresStorageStore(connection)
        self.backorders = PostgresBackorderStore(connection)
        self.fulfillment = PostgresFulfillmentStore(connection)
        self.workers = PostgresWorkerStore(connection)
        self.metrics = PostgresMetricsStore(connection)
        self.relay = PostgresRelayStore(connection)
        self.cycle = PostgresCycleStore(connection)
        self.page_tokens = PostgresPageTokenStore(connection)
