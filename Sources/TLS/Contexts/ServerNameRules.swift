import Wire

/// Decides by the server name in a client's ClientHello whether it gets a handshake at all. Names are compared in lower
/// case and without a final dot; `*.domain.local` stands for one more label before the rest.
public struct ServerNameRules: Sendable {
  private let refused: Set<String>
  /// Nil: every name is accepted, and none.
  private var known: Set<String>?

  /// Nil without anything to refuse.
  ///
  /// - Parameters:
  ///   - refused: names that are always refused.
  ///   - known: the only names that are accepted, besides those of the certificates; nil accepts every name, and clients
  ///     that send none.
  public init?(refused: [String], known: [String]?) {
    if refused.isEmpty, known == nil { return nil }
    self.refused = Set(refused.map { $0.lowercased() })
    self.known = known.map { Set($0.map { $0.lowercased() }) }
  }

  /// Accepts the names of certificates as well.
  mutating func accept(_ names: some Sequence<String>) { known?.formUnion(names) }

  /// Why a client that sends this name is refused, for people; nil if it is not.
  func refusal(of sent: [UInt8]?) -> String? {
    guard let sent else { return known == nil ? nil : "the client asks for no name (tls.unknown-names)" }
    let name = Self.normalized(sent)
    if Self.contains(refused, name) { return "the name \(Self.shown(sent)) is refused (tls.refuse-names)" }
    if let known, !Self.contains(known, name) {
      return "neither the service nor a certificate has the name \(Self.shown(sent)) (tls.unknown-names)"
    }
    return nil
  }

  private static func contains(_ names: Set<String>, _ name: String) -> Bool {
    if names.contains(name) { return true }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
    return names.contains("*" + name[dot...])
  }

  /// Only ASCII has cases in host names.
  private static func normalized(_ name: [UInt8]) -> String {
    let bytes = name.last == UInt8(ascii: ".") ? name.dropLast() : name[...]
    return String(decoding: bytes.map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// A name has at most 255 bytes, and OpenSSL keeps 1,000 of a reason.
  private static func shown(_ name: [UInt8]) -> String {
    String(String(decoding: name, as: UTF8.self).escapingControls().unicodeScalars.prefix(200))
  }
}
