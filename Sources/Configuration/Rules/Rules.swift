import Domain
import Wire

/// Validation across several values of a file: everything that can not be checked for one value alone.
///
/// A rule reports only about values that were read without error, at the position of the one to be changed.
enum Rules {
  static func check(_ configuration: Configuration, _ reader: inout Reader) {
    for service in configuration.services {
      reader.within(service) { check(service, &$0) }
    }
    checkServices(configuration, &reader)
    checkAddresses(configuration, &reader)
    checkLimits(configuration, &reader)
    checkRates(configuration, &reader)
    checkVirtualRouters(configuration, &reader)
    checkPair(configuration, &reader)
    checkObserver(configuration, &reader)
    checkFiles(&reader)
  }

  private static func check(_ service: Configuration.Service, _ reader: inout Reader) {
    checkNames(service, &reader)
    checkMode(service, &reader)
    checkListeners(service, &reader)
    checkServers(service, &reader)
    checkDedicated(service, &reader)
    checkTrust(service, &reader)
    checkClientCertificates(service, &reader)
    checkTLS(service, &reader)
    checkHealth(service, &reader)
    checkAffinity(service, &reader)
    checkForwarded(service, &reader)
    checkAccess(service, &reader)
    checkHeaders(service, &reader)
    checkTimeouts(service, &reader)
    checkDatagrams(service, &reader)
  }

  /// A file that is written must have one purpose only: the data of one purpose would be read as that of another.
  private static func checkFiles(_ reader: inout Reader) {
    var purposes: [String: FileReference.Purpose] = [:]
    for file in reader.files {
      guard let other = purposes.updateValue(file.purpose, forKey: file.path) else { continue }
      guard file.purpose.isWritten || other.isWritten else { continue }
      let prefix = Configuration.Service.prefix(file.service)
      reader.error("\(prefix)`\(Node.shortened(file.path))` is named twice, and written to", at: file.mark)
    }
  }

  private static func checkNames(_ service: Configuration.Service, _ reader: inout Reader) {
    var earlier: Set<ServiceName> = []
    for (index, name) in service.names.enumerated() where !earlier.insert(name).inserted {
      guard let place = reader.mark(in: ["service"], item: index) else { continue }
      reader.warn("`\(name.text)` is given twice", at: place)
    }
  }

  /// The values that a mode requires, and those that it ignores.
  private static func checkMode(_ service: Configuration.Service, _ reader: inout Reader) {
    if let mode = reader.site("mode"), !mode.isGood { return }
    switch service.mode {
    case .http:
      let single = reader.mark("tls", "certificate")
      let several = reader.mark("tls", "certificates")
      if let several, single != nil {
        reader.error("`certificate` and `certificates` exclude each other", at: several)
      }
      if let key = reader.mark("tls", "key"), single == nil {
        reader.error("`key` belongs to `certificate`", at: key, "In `certificates` each item has a key of its own.")
      }
      guard let tls = reader.site("tls") else {
        if !reader.isMisspelt("tls") {
          reader.error(
            "`tls` is missing", at: reader.keyMark, "For example: tls: { certificate: /etc/belvedere/tls/view.pem }")
        }
        return
      }
      let isNamed = reader.site("tls", "certificate") != nil || reader.site("tls", "certificates") != nil
      let isMisspelt = reader.isMisspelt("tls", "certificate") || reader.isMisspelt("tls", "certificates")
      if tls.isGood, !isNamed, !isMisspelt {
        reader.error(
          "`certificate` is missing in `tls`", at: tls.key, "For example: certificate: /etc/belvedere/tls/view.pem")
      }
    case .passthrough:
      for key in ["tls", "forwarded", "headers", "hsts", "requests", "pool", "errors"] {
        guard let site = reader.site(key) else { continue }
        if key == "forwarded", service.forwarded.proxyProtocol { continue }
        reader.warn("`\(key)` does nothing in mode `passthrough`", at: site.key)
      }
    }
  }

  private static func checkTrust(_ service: Configuration.Service, _ reader: inout Reader) {
    let warning = "certificates are not verified: anyone on the network path can read and change the traffic"
    let advice = "Pin the certificate with `fingerprint`, or name its `ca`."
    if service.trust == .insecureNoVerification, let place = reader.mark("trust") {
      reader.warn(warning, at: place, advice)
    }
    for server in service.servers where server.trust == .insecureNoVerification {
      if let place = reader.mark("servers", server.name, "trust") { reader.warn(warning, at: place, advice) }
    }
  }

  private static func checkHealth(_ service: Configuration.Service, _ reader: inout Reader) {
    let health = service.health
    if let place = reader.mark("health", "jitter"), health.jitter >= health.interval {
      let interval = Quantity.write(health.interval.nanoseconds, units: Quantity.time)
      reader.error("`jitter` must be shorter than `interval`, which is \(interval)", at: place)
    }
    let (longest, overflow) = health.interval.nanoseconds.multipliedReportingOverflow(by: 3)
    if let place = reader.mark("health", "timeout"), !overflow, health.timeout.nanoseconds > longest {
      reader.warn("`timeout` is more than three times `interval`: a server that hangs is found late", at: place)
    }
    guard health.check != .https else { return }
    for key in ["path", "method", "host", "expect"] {
      guard let site = reader.site("health", key) else { continue }
      reader.warn("`\(key)` does nothing with `check: \(health.check.rawValue)`", at: site.key)
    }
  }

  private static func checkAffinity(_ service: Configuration.Service, _ reader: inout Reader) {
    checkAffinityKeys(service, &reader)
    guard let place = reader.mark("affinity", "hold"), service.affinity.hold < .minutes(90) else { return }
    reader.warn(
      "a View client may be idle for 90 minutes; with a shorter time it may have to log in again", at: place)
  }

  private static func checkAffinityKeys(_ service: Configuration.Service, _ reader: inout Reader) {
    guard let whole = reader.mark("affinity", "by") else { return }
    let keys = service.affinity.by
    for (index, key) in keys.enumerated() {
      let place = reader.mark(in: ["affinity", "by"], item: index) ?? whole
      if index > 0, keys[index - 1] == .clientAddress {
        reader.error("every client has an address: entries after `client-address` are never used", at: place)
        return
      }
      guard key != .clientAddress else { continue }
      if index > 0, key == .tunnel {
        reader.error("`tunnel` must be the first entry: no other says as exactly where a tunnel leads", at: place)
      } else if index > 0, keys[index - 1] != .tunnel {
        reader.error("one cookie is enough: the server's session has one", at: place)
      }
      if service.mode == .passthrough {
        let what = key == .tunnel ? "tunnels" : "cookies"
        reader.error("\(what) can't be seen in mode `passthrough`", at: place, "Use `client-address` only.")
      }
    }
  }

  private static func checkForwarded(_ service: Configuration.Service, _ reader: inout Reader) {
    if service.forwarded.proxyProtocol, service.forwarded.trustedProxies.isEmpty,
      let place = reader.mark("forwarded", "proxy-protocol")
    {
      reader.warn("no proxy is trusted, so this does nothing", at: place, "List the proxies in `trusted-proxies`.")
    }
    for (index, proxy) in service.forwarded.trustedProxies.enumerated() where proxy.length == 0 {
      guard let place = reader.mark(in: ["forwarded", "trusted-proxies"], item: index) else { continue }
      reader.warn(
        "`\(proxy)` contains all addresses: any client can pose as another one", at: place,
        "List the addresses of the proxies.")
    }
  }

  private static func checkTimeouts(_ service: Configuration.Service, _ reader: inout Reader) {
    let timeouts = service.timeouts
    guard let place = reader.mark("timeouts", "connect-total"), timeouts.connectTotal < timeouts.connect else { return }
    let connect = Quantity.write(timeouts.connect.nanoseconds, units: Quantity.time)
    reader.warn("shorter than `connect`, which is \(connect): no attempt can take that long", at: place)
  }

  private static func checkLimits(_ configuration: Configuration, _ reader: inout Reader) {
    let limits = configuration.limits
    checkFlows(limits, &reader)
    guard let each = limits.connectionsPerAddress, each > limits.connections else { return }
    guard let place = reader.mark("limits", "connections-per-address") else { return }
    reader.warn("more than all `connections` (\(limits.connections)): this limit is never reached", at: place)
  }
}
