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
    if let connections = rates.connections, let handshakes = rates.handshakes, !handshakes.isEverBelow(connections),
      let place = reader.mark("rates", "handshakes")
    {
      reader.warn(
        "never reached: each handshake needs a connection, and those have \(connections)", at: place)
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
