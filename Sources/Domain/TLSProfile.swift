/// A set of protocol versions, ciphers and groups, by the names of Mozilla's Server Side TLS. TLS 1.2 is the minimum of
/// every one but `old`.
public enum TLSProfile: String, CaseIterable, Sendable {
  /// TLS 1.3 only.
  case modern
  /// TLS 1.2 and 1.3, forward secrecy and authenticated encryption throughout. Mozilla's list without its DHE suites:
  /// every client that can't do ECDHE is gone, and DHE lets a client spend our CPU cheaply (CVE-2002-20001).
  case intermediate
  /// `intermediate`, and the CBC ciphers that old View clients need (ECDHE-RSA-AES-CBC-SHA256/384).
  case legacy
  /// `legacy`, and TLS 1.0 and 1.1, CBC with SHA-1, RSA key exchange, and certificates with SHA-1 or short keys: for peers
  /// that can do nothing newer, as View servers before 7 and the last open View client.
  case old
}
