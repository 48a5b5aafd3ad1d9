import Configuration
import Control
import Doctor
import Linux
import TLS
import Wire

/// The files of a report. Nothing of a key, a certificate's key or the pair's secret is read, and every text passes
/// through `add`, which removes secrets of the configuration.
struct ReportFiles {
  private(set) var files: [(name: String, text: String)] = []
  private let secrets: Secrets

  private static let timeout = Interval.seconds(20)
  /// Of a program's output or a file.
  private static let textLimit = 2 << 20

  /// `text`: the configuration, or why it can't be read.
  init(_ text: Result<[UInt8], Diagnostic>, of path: String, _ status: StatusReport?, _ examination: Examination) {
    let configuration: String
    var findings = examination
    switch text {
    case .success(let bytes):
      let redacted = RedactedText(bytes, file: path)
      secrets = redacted?.secrets ?? Secrets()
      if redacted == nil { findings = findings.rewritten(Secrets.withoutQuotes) }
      configuration =
        redacted?.text
        ?? "\(path) is not YAML or has too many unknown keys, and is left out: what in it is a secret is not known.\n"
    case .failure(let reason):
      secrets = Secrets()
      configuration = reason.line + "\n"
    }
    add("README.txt", Self.introduction)
    add("versions.txt", Self.versions)
    add("configuration.yaml", configuration)
    // Before lines are wrapped, in which a secret would not be found.
    add("doctor.txt", ExaminationText(findings.rewritten(secrets.removed)).text)
    addHistory("status.json", status.map { $0.json + "\n" } ?? "The service does not answer.\n")
    addHistory("status.txt", status.map { StatusText($0, isColoured: false).text } ?? "The service does not answer.\n")
    for node in status?.pair?.nodes.dropFirst() ?? [] {
      let text = status.flatMap { StatusText($0, isColoured: false).text(of: node.name) } ?? ""
      addHistory("node-\(node.name).txt", text)
    }
    addProcesses(of: status)
    addKernel()
    addPrograms()
  }

  private mutating func add(_ name: String, _ text: String) {
    files.append((name, String(secrets.removed(from: text).prefix(Self.textLimit))))
  }

  /// With messages about earlier configurations, whose secrets are not known.
  private mutating func addHistory(_ name: String, _ text: String) { add(name, Secrets.withoutQuotes(text)) }

  private static let introduction = """
    A report of `belvedere report`, for a description of a fault.

    versions.txt        Belvedere, its libraries, kernel and distribution
    configuration.yaml  written anew, without comments: secrets and all that Belvedere does not know are replaced by
                        [removed]; behind # the line in the file
    doctor.txt          `belvedere doctor`
    status.json, .txt   `belvedere status`: state, counters, decisions, the last problems
    node-*.txt          another node of the pair, as it reports itself over the connection of the pair
    process-*.txt       confinement, limits and scheduling of both processes
    kernel.txt          settings of the kernel, sockets, memory
    network.txt         interfaces, addresses and routes
    unit.txt, log.txt   the unit's settings, without values of Environment= and SetCredential=; its log from notice
                        on, without the access log

    No private key, no password and no secret of a pair is in it. Names and addresses of your network are: read it
    before you send it. In a pair, make one on each node.

    """

  private static var versions: String {
    """
    belvedere \(Versions.belvedere)
    \(opensslVersion)
    Swift \(Versions.swift)
    \(File.text(of: "/proc/version") ?? "")
    \(File.text(of: "/etc/os-release") ?? "")
    """
  }

  private mutating func addProcesses(of status: StatusReport?) {
    let processes = [("supervisor", status?.pid), ("worker", status?.worker?.pid)]
    for (role, identifier) in processes {
      guard let identifier else { continue }
      let parts = ["status", "limits", "cgroup", "oom_score_adj", "stat"].map { name in
        "# \(name)\n" + (File.text(of: "/proc/\(identifier)/\(name)") ?? "can't be read\n")
      }
      add("process-\(role).txt", parts.joined(separator: "\n"))
    }
  }

  private mutating func addKernel() {
    let settings = [
      "net/core/somaxconn", "net/ipv4/ip_local_port_range", "net/ipv4/ip_nonlocal_bind", "net/ipv4/tcp_syncookies",
      "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/all/arp_ignore", "net/ipv4/conf/all/arp_announce",
      "net/ipv4/conf/all/promote_secondaries", "net/netfilter/nf_conntrack_max", "fs/file-nr", "kernel/threads-max",
    ]
    let lines = settings.map { name in "\(name): \(File.text(of: "/proc/sys/\(name)") ?? "-\n")" }
    let files = ["/proc/loadavg", "/proc/meminfo", "/proc/net/sockstat", "/proc/net/netstat", "/proc/net/snmp"]
    let parts = files.map { "# \($0)\n" + (File.text(of: $0) ?? "can't be read\n") }
    add("kernel.txt", lines.joined() + "\n" + parts.joined(separator: "\n"))
  }

  private mutating func addPrograms() {
    let commands = [["/usr/sbin/ip", "address"], ["/usr/sbin/ip", "route"], ["/usr/sbin/ip", "-6", "route"]]
    add("network.txt", commands.map { Self.output($0) }.joined(separator: "\n"))
    guard File.identity(of: "/run/systemd/system") != nil else { return }
    let unit = [["cat", "belvedere.service"], ["show", "--no-pager", "belvedere.service"]].map { words in
      Self.output(["/usr/bin/systemctl"] + words, UnitText.withoutSecrets)
    }
    add("unit.txt", unit.joined(separator: "\n"))
    addHistory(
      "log.txt",
      Self.output([
        "/usr/bin/journalctl", "--unit", "belvedere", "--priority", "notice", "--lines", "2000", "--no-pager",
        "--output", "short-iso",
      ]))
  }

  /// `rewrite`: for the output, without the title.
  private static func output(_ command: [String], _ rewrite: (String) -> String = { $0 }) -> String {
    let title = "# \(command.joined(separator: " "))\n"
    guard let program = command.first, File.identity(of: program) != nil else { return title + "is not installed\n" }
    do throws(SystemError) {
      return title + rewrite(try CapturedProgram(program, Array(command.dropFirst()), timeout: timeout).output)
    } catch { return title + "\(error)\n" }
  }
}
