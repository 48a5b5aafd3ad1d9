import Glibc
import Linux
import Wire

/// `belvedere demo`: two example Connection Servers, a balancer before them, and a prompt to make them die and return.
/// It needs no configuration, no certificate and no privilege.
package enum Demo {
  /// What is asked for on the command line.
  package struct Options: Sendable {
    /// Where https is served; nil: 8443, or another port when that is taken.
    package var port: UInt16?
    /// Where plain HTTP is redirected; nil: 8080, or another port when that is taken.
    package var redirectPort: UInt16?
    /// How long it runs; nil: until it is told to stop.
    package var duration: Interval?

    package init(port: UInt16? = nil, redirectPort: UInt16? = nil, duration: Interval? = nil) {
      self.port = port
      self.redirectPort = redirectPort
      self.duration = duration
    }
  }

  /// Everything listens here, so nobody else sees it.
  private static let address = IPAddress(v4: 0x7F00_0001)

  /// Runs until somebody asks it to stop, and returns the exit status: 1 when the balancer ended by itself.
  package static func run(_ options: Options) throws(DemoError) -> Int32 {
    // In this order: the first before any other descriptor, the second before any thread or process.
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
