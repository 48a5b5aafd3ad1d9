import Glibc
import Linux
import Wire

/// `belvedere demo`: two example Connection Servers, a load balancer in front of them, and a prompt to stop and start
/// them. It needs no configuration, certificate or privilege.
package enum Demo {
  /// The command-line options.
  package struct Options: Sendable {
    /// The https port; nil: 8443, or another port when that is in use.
    package var port: UInt16?
    /// The plain HTTP port for the redirect; nil: 8080, or another port when that is in use.
    package var redirectPort: UInt16?
    /// How long it runs; nil: until it is stopped.
    package var duration: Interval?

    package init(port: UInt16? = nil, redirectPort: UInt16? = nil, duration: Interval? = nil) {
      self.port = port
      self.redirectPort = redirectPort
      self.duration = duration
    }
  }

  /// The address of all listeners, reachable from this machine only.
  private static let address = IPAddress(v4: 0x7F00_0001)

  /// Runs until it is stopped, and returns the exit status: 1 when the load balancer ended by itself.
  package static func run(_ options: Options) throws(DemoError) -> Int32 {
    // In this order: the prompt before any other descriptor, the signals before any thread or process.
    let prompt = try needed(Prompt.init)
    let signals = try needed { () throws(SystemError) in try SignalReader([SIGINT, SIGTERM, SIGHUP]) }
    var ports = FreePorts(on: address)
    let https = try ports.take(options.port, wishing: 8443)
    let redirect = try ports.take(options.redirectPort, wishing: 8080)
    let examples = try ExamplePair(on: address, ports: &ports)
    let balancer = try BalancerProcess.start(
      BalancerProcess.Plan(
        https: Endpoint(address: address, port: https), redirect: Endpoint(address: address, port: redirect),
        servers: examples.descriptions))
    let poller = try needed(Poller.init)
    return try Demonstration(
      prompt: prompt, signals: signals, poller: poller, servers: examples.servers, balancer: balancer
    ).run(for: options.duration)
  }
}
