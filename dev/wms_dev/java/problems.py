"""What may keep a Java server of our own from running."""

from wms_dev.problem import Problem


class JavaMissing(Problem):
    """This machine lacks what a Java server needs: Java, Maven, or what Maven could not fetch."""


class ServerFailed(Problem):
    """A Java server did not start, or not in time, or does not run."""
