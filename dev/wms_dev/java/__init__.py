"""Java servers of our own for development and the tests, without Docker: processes on loopback.

    owner --PR_SET_PDEATHSIG--> server      the kernel ends a server when its owner is gone
    owner --pipe--> guard                   ends what is still there, then removes the data

Their jars come by Maven from a `pom.xml`, once; Java is this machine's or that of a wheel.
"""

from wms_dev.java.jars import maven_jars
from wms_dev.java.problems import JavaMissing, ServerFailed
from wms_dev.java.runtime import find_java
from wms_dev.java.server import JavaServer
from wms_dev.java.servers import JavaServers

__all__ = ["JavaMissing", "JavaServer", "JavaServers", "ServerFailed", "find_java", "maven_jars"]
