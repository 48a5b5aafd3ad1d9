/// The answer to a request in clear where TLS is spoken, after which the connection is closed. The request is not read,
/// so that HEAD gets the body too.
public enum PlainRequestAnswer {
  /// For people.
  public static let words: StaticString = "this port speaks TLS: use https"

  /// The complete response.
  public static let bytes = Array(
    """
    HTTP/1.1 400 Bad Request\r
    Content-Type: text/plain\r
    Content-Length: \(body.utf8.count)\r
    Cache-Control: no-store\r
    Connection: close\r
    \r
    \(body)
    """.utf8)

  private static let body = "400 Bad Request: \(words)\n"
}
