import ArgumentParser

struct BelvedereCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "belvedere",
    abstract: "A TLS balancer for VMware View (Horizon) Connection Servers.",
    discussion: """
      Belvedere stands between View clients and their Connection Servers: it takes the clients' TLS connections, sends \
      every client to its own server, and encrypts again on the way there.

      Have a look, with no configuration and no privileges:
        belvedere demo

      The smallest useful configuration, in /etc/belvedere/belvedere.yaml:
        service: view.domain.local
        tls: { certificate: /etc/belvedere/tls/view.pem }
        servers:
          view01: 192.168.1.165
          view02: 192.168.1.166

      Check it, then serve with it:
        belvedere check
        belvedere run

      Look at it and change it while it runs:
        belvedere status
        belvedere reload
        belvedere server view01 drain

      EXIT STATUS
        0   what was asked for was done; `run` was stopped in an orderly way
        1   it was refused, or the service could not be brought up
        64  the command line was not understood
        69  no service runs here that could be asked
      """,
    version: Versions.belvedere,
    subcommands: [
      RunCommand.self, CheckCommand.self, ReloadCommand.self, StatusCommand.self, ServerCommand.self,
      FailoverCommand.self, ReleaseCommand.self, NotifyCommand.self,
      DemoCommand.self, VersionCommand.self,
    ])
}
