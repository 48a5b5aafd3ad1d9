import Wire

/// The fields that an operator removes from the heads of one direction, and those that are set. Immutable; rendered when
/// a configuration is loaded.
///
/// A field is set by removing every line of its name and adding one. Names are compared as CGI and WSGI read them: without
/// case, and with `-` for every other character than letters and digits, so that no server takes a client's `X_User`
/// for the `X-User` that is set.
public final class HeaderEdits: Sendable {
  /// The most names in one direction: what a line of a head is compared with.
  public static let mostNames = 12
  /// The longest value, and the most of all lines together: a policy for content has several hundred octets.
  public static let longestValue = 2048
  /// Bytes of all lines that are added to a head.
  public static let longestLines = 4096
  public static let longestName = 64

  /// The names in the form that is compared, each after its length: in one array, of which a head takes one reference.
  let names: [UInt8]
  /// Their lengths, by which most lines are told that they stay: the lowest bit is a length of 1.
  let lengths: UInt64
  /// The lines that are added to a head.
  public let lines: [UInt8]
  /// Those that are added to responses of our own, with TLS and without it: no field that such a response has itself.
  private let added: (secure: [UInt8], plain: [UInt8])

  /// `transportSecurity`: the value of Strict-Transport-Security, which is not sent without TLS (RFC 6797 §7.2).
  public init(set: [(name: String, value: String)], remove: [String], transportSecurity: String? = nil) {
    let security = transportSecurity.map { [(name: "Strict-Transport-Security", value: $0)] } ?? []
    let compared = ((set + security).map(\.name) + remove).map { HeaderEdits.compared($0) }
    names = compared.flatMap { [UInt8(clamping: $0.count)] + $0 }
    lengths = compared.reduce(0) { $0 | 1 &<< UInt64(($1.count &- 1) & 63) }
    lines = HeaderEdits.render(set + security)
    let own = set.filter { !HeaderEdits.ownNames.contains($0.name.lowercased()) }
    added = (HeaderEdits.render(own + security), HeaderEdits.render(own))
  }

  /// What is added to a response of our own.
  public func ownLines(isSecure: Bool) -> [UInt8] { isSecure ? added.secure : added.plain }

  private static func render(_ fields: [(name: String, value: String)]) -> [UInt8] {
    fields.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
  }

  private static func compared(_ name: String) -> [UInt8] { name.utf8.map(\.inComparedName) }

  /// Whether two names are the same for servers.
  public static func areSame(_ name: String, _ other: String) -> Bool { compared(name) == compared(other) }

  /// The fields of our own responses, see `StatusPage` and `Redirect`.
  private static let ownNames: Set = [
    "content-type", "x-content-type-options", "cache-control", "allow", "retry-after", "location",
  ]
}

/// Which fields may be edited.
extension HeaderEdits {
  /// Why a field of this name can not be edited, to follow its name in a sentence; nil if it can.
  public static func objection(to name: String) -> String? {
    guard !name.isEmpty, name.utf8.allSatisfy(\.isTokenCharacter) else {
      return "is no name of a field (RFC 9110 §5.1)"
    }
    guard name.utf8.count <= longestName else { return "is longer than \(longestName) characters" }
    let compared = String(decoding: compared(name), as: UTF8.self)
    switch KnownField(FieldName(compared)) {
    case .contentLength, .transferEncoding, .te: return "says where messages end"
    case .host: return "chooses the service, and servers compare it"
    case .connection, .keepAlive, .proxyConnection, .close, .upgrade, .expect: return connection
    case .forwarded, .forwardedFor, .forwardedProto, .forwardedHost, .forwardedOther, .realIP, .proxyClaim,
      .proxy:
      return "is set or dropped by `forwarded`"
    case .certificateClaim: return "is set or dropped by `tls: client-certificates`"
    case .authorization, .wwwAuthenticate, .proxyAuthenticate, .proxyAuthorization, .persistentAuth:
      return "has credentials"
    case .other where compared.hasPrefix("sec-websocket-"): return "belongs to the handshake of WebSockets"
    case .other where compared == "http2-settings": return connection
    case .other: return EndToEndFields.objection(to: FieldName(compared))
    }
  }

  /// Why a value can not be set, to follow "the value"; nil if it can.
  public static func objection(toValue value: String) -> String? {
    guard value.utf8.count <= longestValue else { return "is longer than \(longestValue) characters" }
    guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
      return "has a line break, a control character or one outside ASCII (RFC 9110 §5.5)"
    }
    return value.hasPrefix(" ") || value.hasSuffix(" ") ? "begins or ends with a space" : nil
  }

  private static let connection = "is about one connection, and set by Belvedere"
}

extension UInt8 {
  /// A letter in lower case, a digit, or `-` for everything else.
  var inComparedName: UInt8 { isLetterOrDigit ? lowerCased : UInt8(ascii: "-") }
}
