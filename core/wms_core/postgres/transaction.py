"""A transaction: the repositories on one connection."""

from wms_core.postgres.connection import Connection
from wms_core.postgres.repositories.backorders import PostgresBackorderRepository
from wms_core.postgres.repositories.cycle import PostgresCycleRepository
from wms_core.postgres.repositories.dead_letters import PostgresDeadLetterRepository
from wms_core.postgres.repositories.event_log import PostgresEventLogRepository
from wms_core.postgres.repositories.fulfillment import PostgresFulfillmentRepository
from wms_core.postgres.repositories.idempotency import PostgresIdempotencyRepository
from wms_core.postgres.repositories.metrics import PostgresMetricsRepository
from wms_core.postgres.repositories.orders import PostgresOrderRepository
from wms_core.postgres.repositories.page_token_keys import PostgresPageTokenKeyRepository
from wms_core.postgres.repositories.relay import PostgresRelayRepository
from wms_core.postgres.repositories.storage import PostgresStorageRepository
from wms_core.postgres.repositories.workers import PostgresWorkerRepository


class PostgresTransaction:
    """Implement `wms_core.application.database.Transaction` on a connection with an open transaction."""

    def __init__(self, connection: Connection, event_max_bytes: int) -> None:
        self.orders = PostgresOrderRepository(connection, event_max_bytes)
        self.event_log = PostgresEventLogRepository(connection)
        self.dead_letters = PostgresDeadLetterRepository(connection)
        self.idempotency_keys = PostgresIdempotencyRepository(connection)
        self.warehouse_storage = PostgresStorageRepository(connection)
        self.backorders = PostgresBackorderRepository(connection)
        self.fulfillment_runs = PostgresFulfillmentRepository(connection)
        self.workers = PostgresWorkerRepository(connection)
        self.backlog_metrics = PostgresMetricsRepository(connection)
        self.relay_progress = PostgresRelayRepository(connection)
        self.cycle_queries = PostgresCycleRepository(connection)
        self.page_tokens = PostgresPageTokenKeyRepository(connection)
