"""A ZooKeeper of our own for development and the tests, without Docker: Java processes on loopback.

    owner --PR_SET_PDEATHSIG--> node        the kernel ends a node when its owner is gone
    owner --pipe--> guard                   ends what is still there, then removes the data

Its jars come by Maven from `pom.xml`, once. Given `ZOOKEEPER_HOSTS`, that one is used instead.
"""

from wms_dev.zookeeper.ensemble import ZooKeeper
from wms_dev.zookeeper.node import Node
from wms_dev.zookeeper.problems import ZooKeeperFailed, ZooKeeperMissing

__all__ = ["Node", "ZooKeeper", "ZooKeeperFailed", "ZooKeeperMissing"]
