"""A unit of work: the stores on one connection."""

from functools import cached_property

from wms_core.postgres.connection import Connection
from wms_core.postgres.cycle_store import PostgresCycleStore
from wms_core.postgres.dead_letter_store import PostgresDeadLetterStore
from wms_core.postgres.order_store import PostgresOrderStore
from wms_core.postgres.request_store import PostgresRequestStore
from wms_core.postgres.storage_store import PostgresStorageStore


class PostgresTransaction:
    """See `application.ports.Transaction`."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection on which the transaction has begun."""
        self._connection = connection

    @cached_property
    def orders(self) -> PostgresOrderStore:
        """Orders."""
        return PostgresOrderStore(self._connection)

    @cached_property
    def dead_letters(self) -> PostgresDeadLetterStore:
        """Dead letters."""
        return PostgresDeadLetterStore(self._connection)

    @cached_property
    def requests(self) -> PostgresRequestStore:
        """Requests answered before."""
        return PostgresRequestStore(self._connection)

    @cached_property
    def storage(self) -> PostgresStorageStore:
        """Storage."""
        return PostgresStorageStore(self._connection)

    @cached_property
    def cycle(self) -> PostgresCycleStore:
        """The fulfillment cycle."""
        return PostgresCycleStore(self._connection)
