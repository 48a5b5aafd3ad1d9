import ArgumentParser

struct BelvedereCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "belvedere",
    abstract: "A TLS balancer for VMware View (Horizon) Connection Servers.",
    discussion: """
      Belvedere is a load balancer between View clients and their Connection Servers. It terminates TLS, keeps each \
      client on its server, and re-encrypts to the server.

      To try it without a configuration or privileges:
        belvedere demo

      A minimal configuration, /etc/belvedere/belvedere.yaml:
        service: view.domain.local
        tls: { certificate: /etc/belvedere/tls/view.pem }
        servers:
          view01: 192.168.1.165
          view02: 192.168.1.166

      Check it and the machine, then serve:
        belvedere check
        belvedere doctor
        belvedere run

      Observe and change the running service:
        belvedere status
        belvedere reload
        belvedere server view01 drain
        belvedere maintenance on

      EXIT STATUS
        0   success; for `run`, an orderly stop
        1   refused, or the service could not start
        64  usage error
        69  the service is not running
      """,
    version: Versions.belvedere,
    subcommands: [
      RunCommand.self, CheckCommand.self, DoctorCommand.self, ReportCommand.self, ReloadCommand.self,
      StatusCommand.self, TraceCommand.self, ObserveCommand.self, ServerCommand.self, MaintenanceCommand.self,
      FailoverCommand.self,
      ApplyCommand.self,
      PairCommand.self, ImportCommand.self, ReleaseCommand.self, NotifyCommand.self,
      ApplyReceiveCommand.self, DemoCommand.self, VersionCommand.self,
    ])
}
