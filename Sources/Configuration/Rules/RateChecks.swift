import Balancing
import Domain
import Wire

/// The rules for rates: which of them do nothing.
extension Rules {
  static func checkRates(_ configuration: Configuration, _ reader: inout Reader) {
    let rates = configuration.rates
    if rates.isEmpty {
      for key in ["except", "trial"] {
        guard let place = reader.site("rates", key)?.key else { continue }
        reader.warn("without a rate this does nothing", at: place, "For example: requests: 200/s burst 10000")
      }
    }
    for (index, network) in rates.exceptions.enumerated() where network.length == 0 {
      guard let place = reader.mark(in: ["rates", "except"], item: index) else { continue }
      reader.warn("`\(network)` contains all addresses: none of them has a rate", at: place)
    }
    if !configuration.services.contains(where: { $0.mode == .http }) {
      for key in ["handshakes", "requests"] {
        guard let place = reader.site("rates", key)?.key else { continue }
        reader.warn("`\(key)` are not seen in mode `passthrough`: only `connections` counts", at: place)
      }
    }
    checkBursts(of: rates, &reader)
    for service in configuration.services where !rates.isEmpty {
      reader.within(service) { checkTrustedNetworks(service, &$0) }
    }
    if let connections = rates.connections, let handshakes = rates.handshakes, !handshakes.isEverBelow(connections),
      let place = reader.mark("rates", "handshakes")
    {
      reader.warn(
        "never reached: each handshake needs a connection, and those have \(connections)", at: place)
    }
  }
}

extension Rules {
  /// A View Client opens up to ten connections, a browser six, and asks for dozens of files of one page.
  private static func checkBursts(of rates: Configuration.Rates, _ reader: inout Reader) {
    let subjects = [
      ("connections", rates.connections, 10, "one View Client opens 10 connections"),
      ("handshakes", rates.handshakes, 10, "one View Client makes 10 handshakes"),
      ("requests", rates.requests, 20, "one page in a browser has 20 requests and more"),
    ]
    for (key, rate, least, use) in subjects {
      guard let rate, let place = reader.mark("rates", key) else { continue }
      if rate.burst < least {
        reader.warn(
          "`\(rate)` refuses people: \(use) at once", at: place, "A burst is for all users behind one address.")
      } else if rate.period == .second, rate.burst < rate.count {
        reader.warn(
          "`\(rate)` has less at once than in a second: who sends unevenly gets less than the average", at: place,
          "A burst is usually ten times the rate or more.")
      }
    }
  }

  /// Clients within the networks of trusted proxies have no rate.
  private static func checkTrustedNetworks(_ service: Configuration.Service, _ reader: inout Reader) {
    for (index, network) in service.forwarded.trustedProxies.enumerated() {
      guard 1..<(network.network.family == .v4 ? 24 : 64) ~= network.length,
        let place = reader.mark(in: ["forwarded", "trusted-proxies"], item: index)
      else { continue }
      reader.warn(
        "clients in `\(network)` have no rate: they are taken for proxies", at: place,
        "List the proxies' own addresses.")
    }
  }
}

extension Rate {
  /// Whether a client that keeps to the other rate may exceed this one.
  fileprivate func isEverBelow(_ other: Rate) -> Bool {
    burst < other.burst || count * other.period.seconds < other.count * period.seconds
  }
}

extension Rate.Period {
  fileprivate var seconds: Int {
    switch self {
    case .second: 1
    case .minute: 60
    case .hour: 3600
    }
  }
}
