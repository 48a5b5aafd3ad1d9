import Domain
import Wire

extension Configuration {
  /// The result of loading a file: the configuration if there is no error, and all diagnostics.
  package struct Loaded: Sendable {
    /// Nil exactly when `diagnostics` contains an error.
    package private(set) var configuration: Configuration?
    /// Errors and warnings in the order of the file.
    package private(set) var diagnostics: [Diagnostic]
    /// The files that the configuration references, in reading order; incomplete when there are errors. Loading opens
    /// none of them, so that it works without privileges, in a confined process, and in tests.
    package let files: [FileReference]
    private let source: SourceText?

    /// The configuration file's path; nil when its contents are not text.
    package var path: String? { source?.file }

    /// Adds an error at the position of the file's reference, and removes the configuration.
    package mutating func refuse(_ file: FileReference, because reason: String, suggestion: String? = nil) {
      report(.error, file, reason, suggestion)
      configuration = nil
    }

    /// Whether there is an error at the position of the file's reference.
    package func isRefused(_ file: FileReference) -> Bool {
      diagnostics.contains { $0.severity == .error && $0.place?.mark == file.mark }
    }

    /// Adds a warning at the position of the file's reference.
    package mutating func warn(about file: FileReference, _ reason: String, suggestion: String? = nil) {
      report(.warning, file, reason, suggestion)
    }

    private mutating func report(
      _ severity: Diagnostic.Severity, _ file: FileReference, _ reason: String, _ suggestion: String?
    ) {
      guard let source else { return }
      diagnostics.append(
        Diagnostic(
          severity, file: source.file, place: source.place(of: file.mark),
          message: "\(Configuration.Service.prefix(file.service))\(file.path): \(reason)",
          suggestion: suggestion))
      diagnostics = diagnostics.sorted()
    }

    fileprivate init(
      _ source: SourceText?, _ configuration: Configuration?, _ all: [Diagnostic], _ files: [FileReference]
    ) {
      self.source = source
      self.configuration = all.contains { $0.severity == .error } ? nil : configuration
      self.files = files
      diagnostics = all.sorted()
    }
  }

  /// Parses a configuration file's text. `belvedere check`, the supervisor and the worker all use this function, so
  /// their results agree. The same text and parameters give the same result.
  ///
  /// - Parameters:
  ///   - fileName: the file's path, for diagnostics and as the base of relative paths in it.
  ///   - hostName: this machine's name, for values keyed by host.
  ///   - credentials: the directory of the service's systemd credentials ($CREDENTIALS_DIRECTORY); nil when systemd did
  ///     not start this process.
  ///   - stagedFiles: other paths of files that the configuration names, by the absolute ones in it: what is to replace
  ///     them, and is not there yet.
  package static func load(
    bytes: [UInt8], fileName: String, hostName: String, credentials: String? = nil, stagedFiles: [String: String] = [:]
  ) -> Loaded {
    let source: SourceText
    do throws(Diagnostic) {
      source = try SourceText(file: fileName, bytes: bytes)
    } catch {
      return Loaded(nil, nil, [error], [])
    }
    var composer = Composer(source)
    let root = composer.compose()
    var reader = Reader(
      source: source, hostName: hostName, credentials: credentials, stagedFiles: stagedFiles,
      diagnostics: composer.diagnostics)
    guard let root else {
      if reader.diagnostics.isEmpty { reader.error("the file says nothing", at: .top, Schema.smallest) }
      return Loaded(source, nil, reader.diagnostics, [])
    }
    let hasServices = Schema.hasServices(root)
    var configuration = (hasServices ? Schema.rootOfServices : Schema.root).read(root, &reader)
    // Rejected services are not checked further.
    if hasServices { configuration?.services.removeAll(where: \.name.isEmpty) }
    configuration?.deriveDefaults(&reader)
    if let configuration { Rules.check(configuration, &reader) }
    return Loaded(source, configuration, reader.diagnostics, reader.files)
  }

  /// The same from a string, without systemd credentials.
  package static func load(text: String, fileName: String, hostName: String) -> Loaded {
    load(bytes: Array(text.utf8), fileName: fileName, hostName: hostName)
  }

  /// Sets the values that are derived from others, where the file does not contain them.
  private mutating func deriveDefaults(_ reader: inout Reader) {
    for index in virtualRouters.indices where virtualRouters[index].name.isEmpty {
      virtualRouters[index].name = "router-\(virtualRouters[index].settings.identifier)"
    }
    pair?.deriveDefaults(reader)
    for index in services.indices {
      reader.within(services[index]) { services[index].deriveDefaults($0) }
    }
  }
}

extension Configuration.Pair {
  fileprivate mutating func deriveDefaults(_ reader: Reader) {
    guard node.isEmpty else { return }
    node = nodes.first { HostName.matches($0.name, reader.hostName) }?.name ?? ""
  }
}

extension Configuration.Service {
  fileprivate mutating func deriveDefaults(_ reader: Reader) {
    if reader.mark("redirect", "listen") == nil {
      redirect?.listeners = listeners.map { .init(address: $0.address, port: 80) }.removingDuplicates()
    }
    if reader.mark("health", "host") == nil {
      health.host = names.first?.host ?? ""
    }
    if reader.mark("health", "jitter") == nil {
      health.jitter = Interval(nanoseconds: health.interval.nanoseconds / 10)
    }
    if reader.mark("timeouts", "connect-total") == nil {
      let (whole, overflow) = timeouts.connect.nanoseconds.addingReportingOverflow(timeouts.connect.nanoseconds / 2)
      timeouts.connectTotal = Interval(nanoseconds: overflow ? .max : whole)
    }
    for index in servers.indices {
      let server = servers[index].name
      servers[index].service = name
      if reader.mark("servers", server, "server-name") == nil { servers[index].serverName = canonicalName }
      if reader.mark("servers", server, "trust") == nil { servers[index].trust = trust }
      if reader.mark("servers", server, "tls-profile") == nil { servers[index].tls.profile = serverTLSProfile }
      servers[index].tls.restrictions = serverTLS
    }
  }
}

extension Array where Element: Hashable {
  /// Each element once, where it is first.
  package func removingDuplicates() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
