import COpenSSL
import Wire

/// The expected identity of a peer (RFC 9525 §6.1): sent as SNI and checked against the peer's certificate. Parsed
/// once, when the configuration is read.
public struct ReferenceIdentity: Hashable, Sendable, CustomStringConvertible {
  /// The kind of identity.
  public enum Kind: Sendable {
    /// A host name: sent as SNI, checked against the certificate's names.
    case host
    /// An IPv4 or IPv6 address: never sent as SNI (RFC 6066 §3), checked against the certificate's addresses.
    case address
    /// No name: no SNI is sent, and no name is checked.
    case none
  }

  public let kind: Kind
  /// The name in lower case, or the address; empty for `.none`.
  public let text: String

  /// No name. With trust `.system` or `.authority`, any certificate from those authorities passes.
  public static let none = ReferenceIdentity(kind: .none, text: "")

  init(kind: Kind, text: String) {
    self.kind = kind
    self.text = text
  }

  /// A host name of letters, digits, `-`, `_` and `.`, or an address without brackets. Throws `.badServerName`.
  public init(_ text: String) throws(TLSError) {
    _ = Library.ready
    // SAFETY: a new ASN1_OCTET_STRING, or null when the text is not an address; freed at once.
    if let address = unsafe a2i_IPADDRESS(text) {
      unsafe ASN1_OCTET_STRING_free(address)
      self.init(kind: .address, text: text)
      return
    }
    ERR_clear_error()
    let name = text.hasSuffix(".") ? text.dropLast().lowercased() : text.lowercased()
    guard HostName.isValid(name) else { throw .badServerName(text) }
    self.init(kind: .host, text: name)
  }

  public var description: String { text }
}
