import Wire

/// The rules for `belvedere observe`.
extension Rules {
  static func checkObserver(_ configuration: Configuration, _ reader: inout Reader) {
    guard let observer = configuration.observer else { return }
    for (index, listener) in observer.listeners.enumerated() {
      guard let place = reader.mark(in: ["observe", "listen"], item: index) else { continue }
      if let other = observer.listeners[..<index].first(where: { $0.overlaps(listener) }) {
        reader.error("`\(listener)` and `\(other)` overlap; one of them is enough", at: place)
      } else if let other = configuration.place(overlapping: listener) {
        reader.error("`\(other)` is taken by clients or the pair", at: place)
      }
      checkReach(of: listener, observer, at: place, &reader)
    }
  }

  /// Addresses that other machines reach need a restriction; without TLS, one that does not show a token.
  private static func checkReach(
    of listener: Configuration.Listener, _ observer: Configuration.Observer, at place: Mark, _ reader: inout Reader
  ) {
    guard listener.address?.isLoopback != true else { return }
    let isEncrypted = observer.certificate != nil || reader.site("observe", "tls")?.isGood == false
    if isEncrypted, observer.token != nil || reader.site("observe", "token") != nil { return }
    if observer.token != nil, let token = reader.mark("observe", "token") {
      reader.error(
        "`\(listener)` is no loopback address: others on the network could read the token on the way", at: token,
        "Give a certificate in `tls`, or list the clients in `networks` instead.")
    } else if observer.networks.isEmpty, reader.site("observe", "networks")?.isGood != false {
      reader.error(
        "`\(listener)` is no loopback address, and every client would be answered", at: place,
        isEncrypted ? "List the clients in `networks`, or require a `token`." : "List the clients in `networks`.")
    }
  }
}

extension Configuration {
  /// Where the service or the pair listens so that a connection to `listener` could be meant.
  fileprivate func place(overlapping listener: Listener) -> Listener? {
    let ofServices = services.flatMap { service in
      service.listeners + service.serverListeners + service.relayListeners + (service.redirect?.listeners ?? [])
    }
    return (ofServices + [pair?.listener].compactMap { $0 }).first(where: listener.overlaps)
  }
}
