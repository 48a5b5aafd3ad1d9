import Wire

/// What must hold between the values of a file, or had better: everything that one value alone cannot show.
///
/// A rule speaks only about values that were read, at the place of the one to change.
enum Rules {
  static func check(_ configuration: Configuration, _ reader: inout Reader) {
    checkService(configuration, &reader)
    checkMode(configuration, &reader)
    checkListeners(configuration, &reader)
    checkServers(configuration, &reader)
    checkTrust(configuration, &reader)
    checkHealth(configuration, &reader)
    checkAffinity(configuration, &reader)
    checkLimits(configuration, &reader)
    checkVirtualRouter(configuration, &reader)
  }

  private static func checkService(_ configuration: Configuration, _ reader: inout Reader) {
    guard let whole = reader.mark("service"), case .wildcard(let parent) = configuration.service.first else { return }
    reader.error(
      "the first name must not be a wildcard: redirects and checks need one name",
      at: reader.mark("service", "0") ?? whole, "For example: view.\(parent)")
  }

  /// What a mode needs, and what it does not look at.
  private static func checkMode(_ configuration: Configuration, _ reader: inout Reader) {
    switch configuration.mode {
    case .http:
      let single = reader.mark("tls", "certificate")
      let several = reader.mark("tls", "certificates")
      if let several, single != nil {
        reader.error("`certificate` and `certificates` exclude each other", at: several)
      }
      if let key = reader.mark("tls", "key"), single == nil {
        reader.error("`key` belongs to `certificate`", at: key, "In `certificates` each item has a key of its own.")
      }
      if reader.mark("tls") == nil, !reader.isNamed("tls") {
        reader.error(
          "`tls` is missing", at: .top, "For example: tls: { certificate: /etc/belvedere/tls/view.pem }")
      } else if let place = reader.mark("tls"), !reader.isNamed("tls", "certificate"),
        !reader.isNamed("tls", "certificates")
      {
        reader.error(
          "`certificate` is missing in `tls`", at: place, "For example: certificate: /etc/belvedere/tls/view.pem")
      }
    case .passthrough:
      for key in ["tls", "forwarded", "pool", "errors"] {
        guard let place = reader.mark(key) else { continue }
        reader.warn("`\(key)` does nothing in mode `passthrough`", at: place)
      }
    }
  }

  private static func checkTrust(_ configuration: Configuration, _ reader: inout Reader) {
    let warning = "certificates are not verified: whoever is in between can read and change everything"
    let advice = "Pin the certificate with `fingerprint`, or name its `ca`."
    if configuration.trust == .insecureNoVerification, let place = reader.mark("trust") {
      reader.warn(warning, at: place, advice)
    }
    for server in configuration.servers where server.trust == .insecureNoVerification {
      if let place = reader.mark("servers", server.name, "trust") { reader.warn(warning, at: place, advice) }
    }
  }

  private static func checkHealth(_ configuration: Configuration, _ reader: inout Reader) {
    let health = configuration.health
    if health.jitter >= health.interval {
      if let place = reader.mark("health", "jitter") ?? reader.mark("health", "interval") {
        let jitter = Quantity.write(health.jitter.nanoseconds, units: Quantity.time)
        let interval = Quantity.write(health.interval.nanoseconds, units: Quantity.time)
        reader.error("`jitter` (\(jitter)) must be shorter than `interval` (\(interval))", at: place)
      }
    }
    let (longest, overflow) = health.interval.nanoseconds.multipliedReportingOverflow(by: 3)
    if !overflow, health.timeout.nanoseconds > longest {
      if let place = reader.mark("health", "timeout") ?? reader.mark("health", "interval") {
        reader.warn(
          "`timeout` is more than three times `interval`: a server that hangs is found late", at: place)
      }
    }
    guard health.check != .https else { return }
    for key in ["path", "method", "host"] {
      guard let place = reader.mark("health", key) else { continue }
      reader.warn("`\(key)` does nothing with `check: \(health.check.rawValue)`", at: place)
    }
  }

  private static func checkAffinity(_ configuration: Configuration, _ reader: inout Reader) {
    guard let place = reader.mark("affinity", "hold"), configuration.affinity.hold < .minutes(90) else { return }
    reader.warn(
      "a View client may be silent for 90 minutes; forgotten earlier, it may have to log in again", at: place)
  }

  private static func checkLimits(_ configuration: Configuration, _ reader: inout Reader) {
    let limits = configuration.limits
    guard let each = limits.connectionsPerAddress, each > limits.connections else { return }
    guard let place = reader.mark("limits", "connections-per-address") else { return }
    reader.warn("more than all `connections` (\(limits.connections)): this limit is never reached", at: place)
  }
}
