/// Further fields by which proxies inform servers of the client, the connection and the original request, besides those
/// that we write. Some frameworks trust them from any client, so they are dropped unless the peer is a trusted proxy.
/// `docs/configuration.md` lists them with the reasons; a test compares.
public enum ForwardingFieldNames {
  /// The field called `name`, if it is one of them or has one of the prefixes.
  static func find(_ name: FieldName) -> KnownField {
    if certificateNames.contains(name) || certificatePrefixes.contains(where: { name.begins(with: $0) }) {
      return .certificateClaim
    }
    return names.contains(name) || prefixes.contains { name.begins(with: $0) } ? .proxyClaim : .other
  }

  /// For names starting with `x-`, which are compared separately: few clients send any.
  @inline(never)
  static func field(_ name: FieldName) -> KnownField {
    switch name.first {
    case 0x676e_6570_7061_2d78, 0x6c63_2d72_7261_2d78, 0x7373_2d72_7261_2d78, 0x722d_6874_7561_2d78,
      0x6e65_6874_7561_2d78, 0x2d65_7275_7a61_2d78, 0x746e_6569_6c63_2d78, 0x6574_7375_6c63_2d78,
      0x676e_696d_6f63_2d78, 0x2d79_6f76_6e65_2d78, 0x7473_6f68_2d78, 0x6f2d_7473_6f68_2d78, 0x642d_7074_7468_2d78,
      0x682d_7074_7468_2d78, 0x6d2d_7074_7468_2d78, 0x73_7074_7468_2d78, 0x646f_6874_656d_2d78, 0x696c_632d_736d_2d78,
      0x6e69_6769_726f_2d78, 0x6972_7265_766f_2d78, 0x6f_746f_7270_2d78, 0x7579_786f_7270_2d78, 0x6574_6f6d_6572_2d78,
      0x7469_7277_6572_2d78, 0x656d_6568_6373_2d78, 0x7470_6972_6373_2d78, 0x6c63_2d6c_7373_2d78,
      0x6373_2d6c_7275_2d78, 0x7475_6162_6577_2d78:
      find(name)
    default: .other
    }
  }

  private static let names = Set(nameTexts.map { FieldName($0) })
  private static let prefixes = prefixTexts.map { FieldName($0) }
  private static let certificateNames = Set(certificateNameTexts.map { FieldName($0) })
  private static let certificatePrefixes = certificatePrefixTexts.map { FieldName($0) }

  /// The client's address, the requested host, URL, method and scheme, the user.
  public static let nameTexts = [
    "true-client-ip", "x-client-ip", "x-clientip", "client-ip", "x-client-addr", "x-cluster-client-ip",
    "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "fastly-client-ip", "fly-client-ip",
    "x-azure-clientip", "x-azure-socketip", "x-appengine-user-ip", "x-appengine-remote-addr",
    "x-envoy-external-address", "ali-cdn-real-ip", "x-originating-ip", "remote-addr", "x-proxyuser-ip",
    "x-coming-from", "forwarded-for", "x-forwarded", "proxy-client-ip",
    "x-host", "x-host-override", "x-http-host-override", "host-override",
    "x-override-url", "x-http-destinationurl", "x-script-name", "script-name", "x-envoy-original-path",
    "x-http-method", "x-http-method-override", "x-method-override",
    "x-scheme", "x-url-scheme", "front-end-https", "x-proto", "x-https", "x-arr-ssl",
    "remote-user", "x-webauth-user", "x-ms-client-principal",
  ]

  /// The client's certificate. Where a service verifies certificates itself, no proxy is trusted with these either. The
  /// names with `x-forwarded-` are dropped like all of these.
  public static let certificateNameTexts = [
    "client-cert", "client-cert-chain", "x-client-cert", "x-client-dn", "x-client-verify", "x-arr-clientcert",
    "x-forwarded-client-cert", "x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info",
  ]

  /// Those by which a server may take another path or method than the request's, for rules about paths.
  private static let pathNames = Set(
    [
      "x-override-url", "x-http-destinationurl", "x-script-name", "script-name", "x-envoy-original-path",
      "x-http-method", "x-http-method-override", "x-method-override",
    ].map { FieldName($0) })
  private static let pathPrefixes = ["x-original-", "x-rewrite-", "x-forwarded-"].map { FieldName($0) }
  /// Names with these prefixes that are known to say something else.
  private static let otherNames = Set(
    [
      "x-forwarded-port", "x-forwarded-server", "x-forwarded-ssl", "x-forwarded-by", "x-forwarded-user",
      "x-forwarded-groups", "x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-scheme",
      "x-forwarded-protocol",
    ].map { FieldName($0) })

  /// Whether the field called so, in any spelling of its hyphens, may tell servers of another path or method.
  static func concernsPath(_ range: ByteRange, of bytes: Span<UInt8>) -> Bool {
    var name = FieldName()
    for index in range.start..<range.end {
      name.append(bytes[index].isLetterOrDigit ? bytes[index] : UInt8(ascii: "-"))
    }
    if pathNames.contains(name) { return true }
    return pathPrefixes.contains { name.begins(with: $0) } && !otherNames.contains(name)
  }

  /// Prefixes of further names, each of 9 to 15 octets.
  public static let prefixTexts = [
    "x-original-", "x-rewrite-", "wl-proxy-", "x-remote-", "x-authenticated", "x-auth-request-",
  ]

  /// The same of names about the client's certificate.
  public static let certificatePrefixTexts = ["ssl-client-", "x-ssl-client-"]
}

extension FieldName {
  /// Whether the name starts with, or equals, `prefix` of 9 to 15 octets.
  fileprivate func begins(with prefix: FieldName) -> Bool {
    first == prefix.first && second.prefix(prefix.length &- 8) == prefix.second && length >= prefix.length
  }
}
