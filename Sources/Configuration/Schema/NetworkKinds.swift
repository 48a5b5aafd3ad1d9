import Domain
import Wire

/// The kinds for network addresses, ports and names.

extension Kind where Value == ServiceName {
  static let serviceName = Kind.text(
    "host name", expected: "a host name such as view.domain.local", write: \.text
  ) { text throws(Complaint) in
    if let address = try? IPAddress(parsing: text) { return ServiceName("\(address)") }
    return try ServiceName.hostName(text, portsKey: "listen")
  }

  /// A name dedicated to one server. An address is not allowed: it belongs to the machine.
  static let namedServer = Kind.text(
    "host name", expected: "a host name such as view01.domain.local", write: \.text
  ) { text throws(Complaint) in
    if (try? IPAddress(parsing: text)) != nil {
      throw Complaint(
        message: "`\(text)` is an address; only a host name means one server",
        suggestion: "Give the server a name such as view01.domain.local.")
    }
    return try ServiceName.hostName(text, portsKey: "ports")
  }
}

extension ServiceName {
  fileprivate static func hostName(_ text: String, portsKey: String) throws(Complaint) -> ServiceName? {
    var name = text.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    if name.contains("/") || name.contains(":") {
      throw Complaint(
        message: "`\(Node.shortened(text))` is not a host name",
        suggestion: "Only the name, without https:// or a port; ports go under `\(portsKey)`.")
    }
    if name.hasPrefix("*.") {
      throw Complaint(message: "a name cannot be a wildcard", suggestion: "List the names that clients use.")
    }
    return HostName.isValid(name) ? ServiceName(name) : nil
  }
}

extension Kind where Value == String {
  /// A name that a client may ask for, or `*.` before the rest of such names.
  static let requestedName = Kind.text(
    "host name, also with `*.`", expected: "a host name such as old.domain.local, or \"*.old.domain.local\"",
    write: { $0 }
  ) { text throws(Complaint) in
    let isWildcard = text.hasPrefix("*.")
    guard let name = try ServiceName.hostName(isWildcard ? String(text.dropFirst(2)) : text, portsKey: "listen") else {
      return nil
    }
    return (isWildcard ? "*." : "") + name.text
  }

  /// A name or an address to be verified in a certificate.
  static let peerName = Kind.text(
    "host name or IP address", expected: "a host name or an IP address"
  ) { text throws(Complaint) in
    if let address = try? IPAddress(parsing: text) { return "\(address)" }
    return HostName.isValid(text) ? text.lowercased() : nil
  }
}

extension Kind where Value == Configuration.Listener {
  /// A port, an address, or both.
  static func listener(defaultPort: UInt16) -> Kind {
    .text(
      "port, address or both", expected: "a port, an address or both, such as 192.168.1.170:\(defaultPort)"
    ) { text throws(Complaint) in
      if text == "*" { return Configuration.Listener(address: nil, port: defaultPort) }
      let port = text.hasPrefix("*:") ? String(text.dropFirst(2)) : text
      if let number = UInt16(port), number > 0 { return Configuration.Listener(address: nil, port: number) }
      let endpoint: Endpoint
      do throws(AddressTextError) {
        endpoint = try Endpoint(parsing: text, defaultPort: defaultPort)
      } catch {
        guard error != .notAnAddress else { return nil }
        throw Complaint(message: "`\(Node.shortened(text))` \(error)")
      }
      try endpoint.address.requireConnectable(as: text)
      return Configuration.Listener(address: endpoint.address, port: endpoint.port)
    }
  }
}

extension Kind where Value == IPAddress {
  static let serverAddress = Kind.text(
    "IP address", expected: "an IP address such as 192.168.1.165"
  ) { text throws(Complaint) in
    if let address = try? IPAddress(parsing: text) {
      try address.requireConnectable(as: text, isPeer: true)
      return address
    }
    if (try? Endpoint(parsing: text)) != nil {
      throw Complaint(message: "`\(text)` has a port", suggestion: "The port goes under `port`.")
    }
    try refuseHostName(text)
    return nil
  }
}

extension Kind where Value == Endpoint {
  /// A server in short form.
  static let serverEndpoint = Kind.text(
    "IP address, with or without a port", expected: "an IP address such as 192.168.1.165, or a mapping"
  ) { text throws(Complaint) in
    let endpoint: Endpoint
    do throws(AddressTextError) {
      endpoint = try Endpoint(parsing: text, defaultPort: Endpoint.httpsPort)
    } catch {
      try refuseHostName(text)
      guard error != .notAnAddress else { return nil }
      throw Complaint(message: "`\(Node.shortened(text))` \(error)")
    }
    try endpoint.address.requireConnectable(as: text, isPeer: true)
    return endpoint
  }
}

extension Kind where Value == Configuration.Pair.Node {
  /// The node's name is the key.
  static let node = Kind.text(
    "IP address", expected: "an IP address such as 192.168.1.162", write: \.name
  ) { text throws(Complaint) in
    guard let address = try? IPAddress(parsing: text) else { return nil }
    try address.requireConnectable(as: text, isPeer: true)
    return Value(name: "", address: address)
  }
}

extension IPAddress {
  /// Throws for addresses that can not be the peer of a TCP connection, or only with an interface.
  fileprivate func requireConnectable(as text: String, isPeer: Bool = false) throws(Complaint) {
    let text = Node.shortened(text)
    switch family {
    case .v4 where low >> 28 == 0xe: throw Complaint(message: "`\(text)` is a multicast address")
    case .v4 where low == 0xffff_ffff: throw Complaint(message: "`\(text)` is the broadcast address")
    case .v6 where high >> 56 == 0xff: throw Complaint(message: "`\(text)` is a multicast address")
    case .v6 where high >> 54 == 0x3fa:
      throw Complaint(
        message: "`\(text)` is a link-local address, of which every interface has its own",
        suggestion: "Give the machine an address of fd00::/8 or a global one.")
    case _ where isPeer && high == 0 && low == 0: throw Complaint(message: "`\(text)` is no machine's address")
    default: break
    }
  }
}

extension Endpoint {
  /// The port of a Connection Server.
  static let httpsPort: UInt16 = 443
}

/// A server's address is never resolved: the balancer must start, and reach its servers, when DNS does not respond.
private func refuseHostName(_ text: String) throws(Complaint) {
  let name = String(text.prefix { $0 != ":" })
  guard HostName.isValid(name), name.utf8.contains(where: { !(0x30...0x39).contains($0) }) else { return }
  throw Complaint(
    message: "`\(name)` is a name; a server needs its IP address, which works without DNS",
    suggestion: "The name to verify its certificate by goes under `server-name`.")
}

extension Kind where Value == IPPrefix {
  static let prefix = Kind.text("network", expected: "a network such as 10.0.0.0/8") { text throws(Complaint) in
    do throws(AddressTextError) {
      return try IPPrefix(parsing: text)
    } catch {
      guard error != .notAnAddress else { return nil }
      throw Complaint(message: "`\(Node.shortened(text))` \(error)")
    }
  }
}

extension Kind where Value == VirtualAddress {
  static let virtualAddress = Kind.text(
    "address with prefix length", expected: "an address with its prefix length, such as 192.168.1.170/24"
  ) { text throws(Complaint) in
    if let address = VirtualAddress(text) { return address }
    guard let address = try? IPAddress(parsing: String(text.prefix { $0 != "/" })) else { return nil }
    throw Complaint(
      message: "`\(Node.shortened(text))` needs a prefix length from 1 to \(address.bitWidth)",
      suggestion: "For example: \(address)/\(address.family == .v4 ? 24 : 64)")
  }
}
