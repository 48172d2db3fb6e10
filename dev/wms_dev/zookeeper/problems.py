"""What may keep a ZooKeeper of our own from running."""

from wms_dev.problem import Problem


class ZooKeeperMissing(Problem):
    """This machine lacks what a ZooKeeper server needs: Java, Maven, or what Maven could not fetch."""


class ZooKeeperFailed(Problem):
    """A ZooKeeper server did not start, or not in time."""
