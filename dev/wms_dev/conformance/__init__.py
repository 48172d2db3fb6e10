"""Runs the clients of every language through the same cases against live servers: `make conformance`.

    cases.json --> program of a language --> main      server with a worker
                                         --> faulty    the same, through FaultProxy
                                         --> torn      the same, through TornConnections
                                         --> nobody    nobody listens
                                         --> strict    no worker, small limits, a broken table
                                         --> contended gives up a lock at once
                                         --> leaving   on its way out, with a call at work
                                         --> adrift    without a database

The programs know the contract and the names of the servers, and nothing of what is behind them.
"""
