import Domain
import Linux
import TLS
import Wire

/// The demo's load balancer: `belvedere run` as in production, with supervisor and worker.
///
/// Its configuration, certificate and key are files in memory, in a directory that exists as long as this value: the
/// private key is never written to disk, and a confined worker may open that directory.
struct BalancerProcess: ~Copyable {
  /// Its addresses and servers.
  struct Plan {
    let https: Endpoint
    let redirect: Endpoint
    let servers: [DemoConfiguration.Server]
  }

  let configuration: DemoConfiguration
  var child: ChildProcess

  private let folder: PrivateFolder
  private let fingerprint: Fingerprint

  /// Variables that would make it notify this process's service manager.
  private static let withheld: Set<String> = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

  /// Never signalled: requests of this process end by themselves.
  private let never: Wakeup

  /// Creates its certificate and starts it.
  static func start(_ plan: Plan) throws(DemoError) -> BalancerProcess {
    let pem: [UInt8]
    let fingerprint: Fingerprint
    do throws(TLSError) {
      // Valid for a year: the log warns of certificates that expire within 30 days.
      let pair = try SelfSigned.make(for: DemoConfiguration.names, validity: -60...365 * 86_400)
      pem = try pair.certificatePEM() + pair.privateKeyPEM()
      fingerprint = pair.facts.fingerprint
    } catch { throw .unavailable("\(error)") }

    do throws(SystemError) {
      var folder = try PrivateFolder()
      let configuration = DemoConfiguration(
        https: plan.https, redirect: plan.redirect, certificatePath: try folder.put("view.pem", contents: pem.span),
        servers: plan.servers)
      let text = Array(configuration.text.utf8)
      let file = try folder.put("belvedere.yaml", contents: text.span)
      // A dummy for the control socket, which only a worker has.
      let never = try Wakeup()
      let child = try ChildProcess(
        executable: CurrentProcess.executable,
        arguments: [
          "belvedere", "run", "--configuration", file, "--control", control, "--die-with-parent",
        ],
        environment: CurrentProcess.environment(removing: withheld), control: never.descriptor, blocked: [])
      return BalancerProcess(
        configuration: configuration, child: child, folder: folder, fingerprint: fingerprint, never: never)
    } catch {
      throw .unavailable("the balancer can't be started: \(error)")
    }
  }

  /// The abstract name of its control socket, which exists as long as the process.
  static let control = "@belvedere-demo-\(CurrentProcess.identifier)"

  /// Whether a server currently answers a request through the load balancer.
  func serves() -> Bool {
    do {
      var stream = try TLSStream.connect(
        to: configuration.https, context: ClientContext(trust: .fingerprints([fingerprint])), serverName: .none,
        stop: never, timeout: .seconds(1))
      try stream.send(
        Array("GET /favicon.ico HTTP/1.1\r\nHost: \(configuration.https)\r\nConnection: close\r\n\r\n".utf8).span)
      var answer: [UInt8] = []
      while answer.count < 12, try stream.receive(into: &answer) {}
      return answer.starts(with: "HTTP/1.1 200".utf8)
    } catch {
      return false
    }
  }
}
