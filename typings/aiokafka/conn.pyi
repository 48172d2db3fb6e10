from asyncio import Future
from ssl import SSLContext

class AIOKafkaConnection:
    def close(self) -> Future[None]: ...

def collect_hosts(hosts: str) -> list[tuple[str, int, int]]: ...
async def create_conn(
    host: str,
    port: int,
    *,
    client_id: str = ...,
    request_timeout_ms: int = ...,
    security_protocol: str = ...,
    ssl_context: SSLContext | None = ...,
    sasl_mechanism: str = ...,
    sasl_plain_username: str | None = ...,
    sasl_plain_password: str | None = ...,
) -> AIOKafkaConnection: ...
