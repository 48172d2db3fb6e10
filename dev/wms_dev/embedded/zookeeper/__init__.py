"""A ZooKeeper of our own for development and the tests.

Given `ZOOKEEPER_HOSTS`, that one is used instead.
"""

from wms_dev.embedded.zookeeper.ensemble import ZooKeeperEnsemble
from wms_dev.embedded.zookeeper.node import ZooKeeperNode

__all__ = ["ZooKeeperEnsemble", "ZooKeeperNode"]
