"""The Maven artifact, installed from its archives."""

import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.clients.grpc_api import Api
from tests.support.external.packages import find_shown_dependency, install, run_program
from tests.support.pytest_plugins.requirements import require_programs
from wms.orders.v1 import orders_pb2
from wms_dev.packages import java
from wms_dev.packages.building import project_repository, project_version

README = "clients/java/README.md"
PROGRAM = """\
import com.wms.orders.client.OrdersClient;
import com.wms.orders.v1.*;

class Main {
    public static void main(String[] arguments) {
        try (OrdersClient client = OrdersClient.connect(arguments[0])) {
            Order order = client.orders().createOrder(CreateOrderRequest.newBuilder()
                    .setOrderId("JAVA-1")
                    .setCustomerId("CUST-001")
                    .setPriority(OrderPriority.ORDER_PRIORITY_SAME_DAY)
                    .addItems(OrderItem.newBuilder().setSku("NW-001").setQuantity(2))
                    .setShippingAddress(ShippingAddress.newBuilder()
                            .setStreet("123 Main St").setCity("New York").setCountry("US"))
                    .build()).getOrder();
            System.out.println(order.getOrderId() + " " + order.getStatus());
        }
    }
}
"""
# The repository is this machine's Maven cache, so that published artifacts are not downloaded again.
PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test.example</groupId>
  <artifactId>project</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories><repository><id>cache</id><url>{cache}</url></repository></repositories>
  <pluginRepositories><pluginRepository><id>cache</id><url>{cache}</url></pluginRepository></pluginRepositories>
  <dependencies>{dependency}</dependencies>
  <build>
    <plugins>
      <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
      <plugin><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin>
    </plugins>
  </build>
</project>
"""


@pytest.mark.slow
@pytest.mark.one_postgres
@pytest.mark.timeout(900)
async def test_artifact_installed_from_its_archive_makes_a_call(api: Api, tmp_path: Path) -> None:
    """Install it with the command and the dependency of the README into an empty local repository."""
    require_programs("java")
    archives = tmp_path / "dist"
    jar, sources, pom = java.build(archives)
    _check_archives(jar, sources, pom)
    project = tmp_path / "project"
    (project / "src/main/java").mkdir(parents=True)
    (project / "src/main/java/Main.java").write_text(PROGRAM)
    cache = (Path.home() / ".m2" / "repository").as_uri()
    (project / "pom.xml").write_text(PROJECT.format(cache=cache, dependency=find_shown_dependency(README)))
    options = f"-Dmaven.repo.local={tmp_path / 'repository'}"
    await install(README, __file__, project, DIST=str(archives), MAVEN_OPTS=options)
    goals = ["compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath"]
    await run_program(["mvn", "--quiet", "--batch-mode", *goals], project, MAVEN_OPTS=options)
    classpath = f"target/classes:{(project / 'classpath').read_text()}"
    assert str(tmp_path / "repository/com/wms/orders/wms-orders-client") in classpath
    output = await run_program(["java", "-cp", classpath, "Main", api.address], project)
    assert output == "JAVA-1 ORDER_STATUS_RECEIVED\n"
    assert (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="JAVA-1"))).order.customer_id


def _check_archives(jar: Path, sources: Path, pom: Path) -> None:
    """Compare the facts of the archives with those of the project."""
    name = f"wms-orders-client-{project_version()}"
    assert [jar.name, sources.name, pom.name] == [f"{name}.jar", f"{name}-sources.jar", f"{name}.pom"]
    with zipfile.ZipFile(jar) as content:
        assert content.read("META-INF/maven/com.wms.orders/wms-orders-client/pom.xml") == pom.read_bytes()
        assert "com/wms/orders/client/OrdersClient.class" in content.namelist()
        assert "wms/orders/v1/service_config.json" in content.namelist()
        assert not any("conformance" in name for name in content.namelist())
    with zipfile.ZipFile(sources) as content:
        assert "com/wms/orders/client/OrdersClient.java" in content.namelist()
        assert "com/wms/orders/v1/Order.java" in content.namelist()
    pom_root = ET.parse(pom).getroot()  # noqa: S314 # written by this project
    pom_values = {
        tag: pom_root.findtext(f"{{*}}{tag.replace('/', '/{*}')}") for tag in ("version", "url", "scm/url")
    }
    assert pom_values == {
        "version": project_version(),
        "url": project_repository(),
        "scm/url": project_repository(),
    }
    assert pom_root.findtext("{*}description") == "The Java client of wms-orders."
    readme_dependency = ET.fromstring(find_shown_dependency(README))  # noqa: S314
    assert readme_dependency.findtext("version") == project_version(), f"{README} shows another version"
