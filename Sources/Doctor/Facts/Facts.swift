import Domain
import Wire

/// All that the checks judge.
package struct Facts: Sendable {
  /// The time of this machine.
  package var time: WallTime
  package var configuration: ConfigurationFacts
  /// As the service's user.
  package var files: Gathered<ConfigurationFacts>
  /// What clients of each service are shown.
  package var certificates: [PresentedCertificate] = []
  package var servers: [ServerFacts] = []
  package var routers: [RouterFacts] = []
  /// The kernel's rules as text.
  package var firewall = Gathered<String>.unknown("")
  /// The interfaces that are up and have an IPv4 address, without the loopback.
  package var interfacesWithIPv4: [String] = []
  /// By other programs, of those that the configuration needs.
  package var ports = Gathered<[PortFacts]>.unknown("")
  /// Resources that are too small for the configuration, as text.
  package var shortfalls = Gathered<[String]>.unknown("")
  /// The running service.
  package var service = Gathered<RunningService>.unknown("")
  package var leftovers: [Leftover] = []
  /// Whether the configuration has `pair`.
  package var isPaired = false

  package init(time: WallTime, configuration: ConfigurationFacts, files: Gathered<ConfigurationFacts>) {
    self.time = time
    self.configuration = configuration
    self.files = files
  }
}

/// What `belvedere check` says of a configuration.
package struct ConfigurationFacts: Sendable {
  /// A diagnostic on one line.
  package struct Problem: Sendable {
    package var isError: Bool
    package var text: String
    package var fix: String
    /// Whether it only says that a credential was not checked, which systemd passes to the service alone.
    var isUnchecked: Bool { !isError && text.contains("is passed by systemd at the start of the service") }

    package init(isError: Bool, text: String, fix: String = "") {
      self.isError = isError
      self.text = text
      self.fix = fix
    }
  }

  package var path: String
  /// The user who checked.
  package var user: String
  package var problems: [Problem]

  package init(path: String, user: String, problems: [Problem]) {
    self.path = path
    self.user = user
    self.problems = problems
  }
}

/// A certificate that a peer presents.
package struct PresentedCertificate: Hashable, Sendable {
  /// The service's name, empty if it has none.
  package var service = ""
  package var title: String
  package var fingerprint: Fingerprint
  package var notAfter: WallTime

  package init(service: String = "", title: String, fingerprint: Fingerprint, notAfter: WallTime) {
    self.service = service
    self.title = title
    self.fingerprint = fingerprint
    self.notAfter = notAfter
  }
}

/// A port that the configuration needs and another program has.
package struct PortFacts: Hashable, Sendable {
  /// `*:443`.
  package var listener: String
  /// `nginx (process 812)`; empty when it could not be found out.
  package var owner: String

  package init(listener: String, owner: String) {
    self.listener = listener
    self.owner = owner
  }
}

/// Another program for the same task.
package struct Leftover: Hashable, Sendable {
  /// `keepalived`, `haproxy`.
  package var program: String
  package var isRunning: Bool
  /// Whether systemd starts it at boot.
  package var isEnabled: Bool

  package init(program: String, isRunning: Bool, isEnabled: Bool) {
    self.program = program
    self.isRunning = isRunning
    self.isEnabled = isEnabled
  }
}

/// What the running service says, and the kernel of it.
package struct RunningService: Sendable {
  /// How the supervisor is scheduled.
  package enum Scheduling: Hashable, Sendable {
    case realtime
    case nice(Int)
  }

  /// Another node of the pair.
  package struct Node: Sendable {
    package var name: String
    package var answers: Bool
    package var version: String?
    /// The services of which it reaches no server, although not all are in maintenance; empty names for a file without
    /// `services`.
    package var unreachedServices: [String] = []
    /// What its clients are shown.
    package var certificates: [PresentedCertificate] = []
    /// What it says of itself: its own checks, and what they have found.
    package var findings: [Finding] = []

    package init(name: String, answers: Bool, version: String?) {
      self.name = name
      self.answers = answers
      self.version = version
    }
  }

  package var version: String
  package var scheduling: Scheduling?
  package var nodes: [Node] = []
  /// What differs from other nodes, as text.
  package var differences: [String] = []

  package init(version: String) { self.version = version }
}
