"""Runs the clients of all languages through the same cases against running servers: `make conformance`.

    cases.json --> program of a language --> main       server with a worker
                                         --> faulty     the same, through FaultProxy
                                         --> torn       the same, through TornConnections
                                         --> nobody     an address without a server
                                         --> strict     no worker, small limits, a broken table
                                         --> contended  a short lock timeout
                                         --> leaving    shutting down, with a call in flight
                                         --> adrift     without a database

The programs know only the contract and the names of the servers.
"""
