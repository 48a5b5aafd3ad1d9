import Domain
import Wire

extension NodeFacts {
  /// Maximum size of the encoded bytes: all lists at their limits with the longest names.
  static let byteLimit = 1 << 20

  /// The encoded bytes.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: Self.byteLimit)
    writer.append(text: release)
    writer.append(wall)
    writer.append(since)
    writer.append(bigEndian: sessions)
    writer.append(bigEndian: connections)
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
      writer.append(server.adminState == nil ? 0 : 1)
      server.adminState?.append(to: &writer)
    }
    writer.append(routers, limit: Self.routerLimit) { router, writer in
      writer.append(text: router.name)
      writer.append(text: router.role.rawValue)
    }
    return writer.bytes
  }

  /// Decodes the output of `encoded`. Bytes after it are ignored, so that later releases can add members.
  package init(decoding bytes: [UInt8]) throws(PairError) {
    self = try Pair.decoding { try NodeFacts(bytes.span) }
  }

  private init(_ bytes: Span<UInt8>) throws {
    var reader = ByteReader(bytes)
    self.init(release: try reader.readText("release"), wall: try reader.readTime(), since: try reader.readTime())
    sessions = try reader.readUInt64()
    connections = try reader.readUInt64()
    sections = try reader.readList("sections", limit: Self.sectionLimit) {
      Section(name: try $0.readText("section"), digest: try $0.readUInt64())
    }
    certificates = try reader.readList("certificates", limit: Self.certificateLimit) {
      Certificate(
        service: try $0.readText("service"), fingerprint: try $0.readFingerprint(), notAfter: try $0.readTime())
    }
    servers = try reader.readList("servers", limit: Self.serverLimit) { try Server(reading: &$0) }
    routers = try reader.readList("virtual routers", limit: Self.routerLimit) {
      let name = try $0.readText("virtual router")
      guard let role = VirtualRouterRole(rawValue: try $0.readText("role")) else {
        throw PairError.invalidField("role")
      }
      return Router(name: name, role: role)
    }
  }
}

extension NodeFacts.Server {
  fileprivate init(reading reader: inout ByteReader) throws {
    let (name, number) = (try reader.readText("server name"), try reader.readUInt8())
    let state = ServerState(rawValue: number)
    guard state != nil || number == .max else { throw PairError.invalidField("state") }
    let hasAdminState = try reader.readUInt8()
    guard hasAdminState < 2 else { throw PairError.invalidField("state") }
    self.init(name: name, state: state, adminState: hasAdminState == 1 ? try AdminState(reading: &reader) : nil)
  }
}

extension ByteReader {
  fileprivate mutating func readFingerprint() throws -> Fingerprint {
    let bytes = try readBytes(32)
    guard let fingerprint = Fingerprint(bytes: bytes.indices.map { bytes[$0] }) else { throw Failure.truncated }
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
