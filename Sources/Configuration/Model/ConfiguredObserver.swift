import Wire

extension Configuration {
  /// The addresses and the clients of `belvedere observe`.
  package struct Observer: Equatable, Sendable {
    package var listeners = [Listener(address: IPAddress(v4: 0x7f00_0001), port: Self.port)]
    /// The certificate for https; nil: plain http.
    package var certificate: Certificate?
    /// The path of the file with the token that every request must have; nil: none is needed.
    package var token: String?
    /// The clients that are answered; empty: all.
    package var networks: [IPPrefix] = []

    package static let port: UInt16 = 9350

    package init() {}

    /// The fewest bytes of a token: enough that it can't be guessed.
    private static let shortestToken = 16
    /// The largest file of a token, in bytes.
    package static let longestToken = 1024
    /// What a token's file has, for messages.
    package static let tokenForm =
      "a line of \(shortestToken) or more characters without spaces, as `openssl rand -hex 32` prints"

    /// The token in a file of these contents, which is its first line; nil if there is none.
    package static func token(in contents: [UInt8]) -> [UInt8]? {
      let token = Array(contents.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
      guard token.count >= shortestToken, token.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
      return token
    }
  }
}
