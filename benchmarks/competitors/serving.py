"""A grpc.aio server that shares its port with other processes, until SIGTERM."""

import asyncio
import os
import signal
import sys

import grpc


async def serve(handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
    """Serve on SERVER_ADDR until SIGTERM; print `ready` when the port is open."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 1),))
    server.add_generic_rpc_handlers(handlers)
    server.add_insecure_port(os.environ["SERVER_ADDR"])
    await server.start()
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await terminated.wait()
    await server.stop(grace=0.5)
