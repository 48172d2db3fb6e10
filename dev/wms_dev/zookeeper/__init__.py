"""A ZooKeeper of our own for development and the tests.

Given `ZOOKEEPER_HOSTS`, that one is used instead.
"""

from wms_dev.zookeeper.ensemble import ZooKeeper
from wms_dev.zookeeper.node import Node

__all__ = ["Node", "ZooKeeper"]
