import Domain
import Linux
import TLS
import Wire

/// The balancer of the demonstration: `belvedere run` as in production, a supervisor and its worker.
///
/// Its configuration, its certificate and its key are files in memory, in a folder that lives as long as this value: no
/// private key is ever on a disk, and the folder is one that a confined worker may open.
struct BalancerProcess: ~Copyable {
  /// What it is to balance, and where.
  struct Plan {
    let https: Endpoint
    let redirect: Endpoint
    let servers: [DemoConfiguration.Server]
  }

  let configuration: DemoConfiguration
  var child: ChildProcess

  private let folder: PrivateFolder
  private let fingerprint: Fingerprint

  /// Variables that would have it speak to the service manager of this process.
  private static let withheld: Set<String> = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

  /// Never signalled: a request of ours ends by itself.
  private let never: Wakeup

  /// Makes its certificate and starts it.
  static func start(_ plan: Plan) throws(DemoError) -> BalancerProcess {
    let pem: [UInt8]
    let fingerprint: Fingerprint
    do throws(TLSError) {
      // For a year: of one that ends within 30 days the log would warn.
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
      // It also fills the place of a control socket, which only a worker has.
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

  /// Where the balancer of this process answers operators: a name that goes with it.
  static let control = "@belvedere-demo-\(CurrentProcess.identifier)"

  /// Whether a request through the balancer is answered by a server at this moment.
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
