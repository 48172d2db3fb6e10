"""A grpc.aio server that shares its port with its siblings, until SIGTERM."""

import asyncio
import os
import signal
import sys

import grpc


async def serve(handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
    """Serve on SERVER_ADDR; says `ready` when it does."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 1),))
    server.add_generic_rpc_handlers(handlers)
    server.add_insecure_port(os.environ["SERVER_ADDR"])
    await server.start()
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await end.wait()
    await server.stop(grace=0.5)
