import Domain
import Wire

extension NodeFacts {
  /// The encoded bytes.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: Self.byteLimit)
    writer.append(text: release)
    writer.append(since)
    writer.append(sections, limit: Self.sectionLimit) { section, writer in
      writer.append(text: section.name)
      writer.append(bigEndian: section.digest)
    }
    writer.append(certificates, limit: Self.certificateLimit) { certificate, writer in
      writer.append(text: certificate.service)
      writer.append(certificate.fingerprint.bytes.span)
      writer.append(certificate.notAfter)
    }
    writer.append(servers, limit: Self.serverLimit) { server, writer in
      writer.append(text: server.name)
      writer.append(server.state?.rawValue ?? .max)
    }
    writer.append(findings, limit: Self.findingLimit) { finding, writer in
      writer.append(text: finding.check)
      writer.append(text: finding.subject)
      writer.append(finding.isFault ? 1 : 0)
      writer.append(text: finding.text)
    }
    return writer.bytes
  }

  /// Decodes the output of `encoded`. Bytes after it are ignored, so that later releases can add members; a state that
  /// this release does not know is an unknown one.
  package init(decoding bytes: [UInt8]) throws(PairError) {
    self = try Pair.decoding { try NodeFacts(bytes.span) }
  }

  private init(_ bytes: Span<UInt8>) throws {
    var reader = ByteReader(bytes)
    self.init(release: try reader.readText("release"), since: try reader.readTime())
    sections = try reader.readList("sections", limit: Self.sectionLimit) {
      Section(name: try $0.readText("section"), digest: try $0.readUInt64())
    }
    certificates = try reader.readList("certificates", limit: Self.certificateLimit) {
      NodeCertificate(
        service: try $0.readText("service"), fingerprint: try $0.readFingerprint(), notAfter: try $0.readTime())
    }
    servers = try reader.readList("servers", limit: Self.serverLimit) {
      NodeServer(name: try $0.readText("server name"), state: ServerState(rawValue: try $0.readUInt8()))
    }
    // An earlier release has none.
    guard reader.remaining > 0 else { return }
    // A later one may have more.
    for _ in 0..<min(Int(try reader.readUInt16()), Self.findingLimit) {
      let (check, subject) = (try reader.readText("check"), try reader.readText("subject"))
      findings.append(NodeFinding(check, subject, isFault: try reader.readUInt8() != 0, try reader.readText("finding")))
    }
  }
}

extension NodeVitals {
  /// The encoded bytes.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: Self.byteLimit)
    writer.append(wall)
    writer.append(bigEndian: sessions)
    writer.append(bigEndian: connections)
    writer.append(routers, limit: Self.routerLimit) { router, writer in
      writer.append(text: router.name)
      writer.append(text: router.role.rawValue)
      writer.append(router.priority)
      writer.append(router.identifier)
      writer.append(router.isSettled ? 1 : 0)
      writer.append(text: router.source.map { "\($0)" } ?? "")
    }
    writer.append(services, limit: Self.serviceLimit) { service, writer in
      writer.append(text: service.name)
      writer.append(bigEndian: service.healthy)
      writer.append(bigEndian: service.servers)
    }
    return writer.bytes
  }

  /// Decodes the output of `encoded`. Bytes after it are ignored, and so is a virtual router with a role that this
  /// release does not know.
  package init(decoding bytes: [UInt8]) throws(PairError) {
    self = try Pair.decoding { try NodeVitals(bytes.span) }
  }

  private init(_ bytes: Span<UInt8>) throws {
    var reader = ByteReader(bytes)
    self.init(wall: try reader.readTime())
    sessions = try reader.readUInt64()
    connections = try reader.readUInt64()
    routers = try reader.readList("virtual routers", limit: Self.routerLimit) { reader -> Router? in
      let (name, role) = (try reader.readText("virtual router"), try reader.readText("role"))
      let (priority, identifier) = (try reader.readUInt8(), try reader.readUInt8())
      let isSettled = try reader.readUInt8() != 0
      let source = try reader.readText("source")
      return VirtualRouterRole(rawValue: role).map {
        Router(
          name: name, role: $0, priority: priority, identifier: identifier, source: try? IPAddress(parsing: source),
          isSettled: isSettled)
      }
    }.compactMap { $0 }
    services = try reader.readList("services", limit: Self.serviceLimit) {
      NodeService(name: try $0.readText("service"), healthy: try $0.readUInt16(), servers: try $0.readUInt16())
    }
  }
}

extension ByteReader {
  fileprivate mutating func readFingerprint() throws -> Fingerprint {
    guard let fingerprint = Fingerprint(bytes: try readArray(32)) else { throw Failure.truncated }
    return fingerprint
  }
}

extension ByteWriter {
  fileprivate mutating func append<Element>(
    _ list: [Element], limit: Int, _ element: (Element, inout ByteWriter) -> Void
  ) {
    append(bigEndian: UInt16(min(list.count, limit)))
    for value in list.prefix(limit) { element(value, &self) }
  }
}
