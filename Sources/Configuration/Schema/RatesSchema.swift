import Balancing
import Wire

/// How often a client may connect and ask.
extension Schema {
  static let rates = Section<Configuration.Rates>(
    name: "rates",
    keys: [
      Key(
        "connections", \.connections, .either("off", or: .rate), example: "50/s burst 2000",
        "New TCP connections of one client. Above that, they are closed at once."),
      Key(
        "handshakes", \.handshakes, .either("off", or: .rate), example: "20/s burst 2000",
        "TLS handshakes of one client. Above that, the connection is closed before the first signature."),
      Key(
        "requests", \.requests, .either("off", or: .rate), example: "200/s burst 10000",
        "Requests of one client. Above that, they are answered with 429 and `Retry-After`."),
      Key(
        "except", \.exceptions, .list(of: .prefix), example: "[10.0.0.0/8, \"fd00::/8\"]",
        "Networks whose clients have no rate: monitoring, or the gateway of a site (NAT)."),
      Key(
        "trial", \.isTrial, .flag, example: "true",
        "Nothing is refused: clients above a rate are counted and logged only."),
    ])
}

extension Configuration.Rates: DefaultInitialized {}

extension Kind where Value == Rate {
  static let rate = Kind.text(
    "rate: `N/s`, `N/m` or `N/h`, and `burst N`", expected: "a rate such as `50/s burst 500` or `600/m`"
  ) { text throws(Complaint) in
    let words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
    guard let first = words.first, words.count == 1 || words.count == 3 && words[1] == "burst",
      let (count, unit) = try Quantity.split(first), unit.hasPrefix("/"),
      let period = Rate.Period(rawValue: String(unit.dropFirst()))
    else { return nil }
    var burst: Int?
    if words.count == 3 {
      guard let (number, rest) = try Quantity.split(words[2]), rest.isEmpty else { return nil }
      guard number > 0 else {
        throw Complaint(message: "a burst of 0 would refuse everything", suggestion: "`off` is no rate.")
      }
      burst = Int(clamping: number)
    }
    guard 1...UInt64(Rate.mostCount) ~= count else {
      throw Complaint(message: "`\(first)` is outside 1/h to \(Rate.mostCount)/s", suggestion: "`off` is no rate.")
    }
    if let rate = Rate(Int(clamping: count), per: period, burst: burst) { return rate }
    throw Complaint(message: "`\(text)`: a client would get its whole burst back only after more than a day")
  }
}
