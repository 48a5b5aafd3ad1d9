import Domain

/// The servers' administrative states in a file, which survives restarts: a readable line of JSON.
///
///     {"servers":[{"admin_state":{"mode":"drain","since":"…","weight":null},"name":"view01"}],"version":1}
///
/// Of a node of a pair it has each state's `node` too, servers that are ready again, and version 2.
package struct AdminStateSnapshot: Hashable, Sendable {
  /// By the server's name.
  package var states: [String: AdminState]

  package init(_ states: [String: AdminState]) { self.states = states }

  /// The longest file: 1,024 servers with names of the maximum length.
  package static let byteLimit = 1 << 20
  private static let versions: ClosedRange<Int64> = 1...2

  private struct Contents: Codable {
    let version: Int64
    let servers: [Server]

    struct Server: Codable {
      let name: String
      let adminState: AdminState

      enum CodingKeys: String, CodingKey {
        case name
        case adminState = "admin_state"
      }
    }
  }

  /// The file's text, equal for equal snapshots.
  package var text: String {
    let servers = states.sorted { $0.key < $1.key }.map { Contents.Server(name: $0.key, adminState: $0.value) }
    let hasNodes = states.values.contains { $0.node != nil }
    return JSONText.write(Contents(version: hasNodes ? 2 : 1, servers: servers)) + "\n"
  }

  /// Parses the result of `text`. Unknown members are ignored.
  package init(parsing text: [UInt8]) throws(AdminStateSnapshotError) {
    guard let version: Version = try? JSONText.read(text) else { throw .damaged }
    if version.version > Self.versions.upperBound { throw .tooNew(version: version.version) }
    guard Self.versions ~= version.version, let contents: Contents = try? JSONText.read(text) else { throw .damaged }
    states = [:]
    for server in contents.servers {
      let state = server.adminState
      // Without a pair, an entry that sets nothing is never written.
      guard !state.isReady || state.node != nil, ServerWeight.range ~= state.weight ?? 0,
        states.updateValue(state, forKey: server.name) == nil
      else { throw .damaged }
    }
  }

  private struct Version: Decodable { let version: Int64 }
}

/// Why a file is invalid. The description follows the file's name.
package enum AdminStateSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Written by a later release.
  case tooNew(version: Int64)
  /// Not such a file, truncated, or edited incorrectly.
  case damaged

  package var description: String {
    switch self {
    case .tooNew(let version): "was written by a later release (version \(version) of the file)"
    case .damaged: "does not read as a file of server states"
    }
  }
}
