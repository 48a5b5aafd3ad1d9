"""Tomcat as a Connection Server: a third real parser of HTTP, of the software that the servers of Horizon are built on."""

from pathlib import Path

from .program import Program
from .waiting import free_port, fresh_address

HOME = "/usr/share/tomcat10"
STARTUP = f"{HOME}/bin/catalina.sh"


class Tomcat(Program):
    """One Tomcat in its own directory. Each response has the request's target in a cookie, `requests` a line for each."""

    def __init__(self, name, directory, certificate):
        self.name = name
        self.directory = Path(directory)
        super().__init__(self.directory / "stderr")
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.requests = self.directory / "requests"
        root = self.directory / "webapps/ROOT"
        (root / "WEB-INF").mkdir(parents=True)
        (self.directory / "conf").mkdir()
        (root / "favicon.ico").write_bytes(b"icon")
        (self.directory / "conf/server.xml").write_text(f"""
<Server port="-1"><Service name="Catalina">
  <Connector port="{self.port}" address="{self.address}" SSLEnabled="true" scheme="https" secure="true"
    bindOnInit="false" maxKeepAliveRequests="-1" keepAliveTimeout="600000">
    <SSLHostConfig><Certificate certificateFile="{certificate.chain}" certificateKeyFile="{certificate.key}"/></SSLHostConfig>
  </Connector>
  <Engine name="Catalina" defaultHost="any"><Host name="any" appBase="webapps">
    <Valve className="org.apache.catalina.valves.AccessLogValve" directory="{self.directory}" prefix="requests" suffix=""
      rotatable="false" buffered="false" pattern="%r"/>
    <Valve className="org.apache.catalina.valves.rewrite.RewriteValve"/>
  </Host></Engine>
</Service></Server>
""")
        # Without a page of that name: 404.
        rules = self.directory / "conf/Catalina/any/rewrite.config"
        rules.parent.mkdir(parents=True)
        rules.write_text("RewriteRule ^(/r/.*)$ - [CO=target:$1:view.test]\n")
        (root / "WEB-INF/web.xml").write_text("""
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
  <servlet><servlet-name>files</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
  <servlet-mapping><servlet-name>files</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>
""")

    def start(self):
        classes = f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar"
        places = [f"-Dcatalina.home={HOME}", f"-Dcatalina.base={self.directory}", f"-Djava.io.tmpdir={self.directory}"]
        self.launch(["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, *places,
                     "org.apache.catalina.startup.Bootstrap", "start"])  # fmt: skip
        self.wait_for_listener(self.address, self.port)
        return self

    stop = Program.kill
