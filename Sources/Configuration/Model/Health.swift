import Wire

extension Configuration {
  /// How it is found out whether a server can take clients.
  ///
  /// The vendor asks for a check every 30 s with a time-out of two to three times that; field practice is every 2 s.
  /// The defaults lie between: a dead server is noticed within some seconds without any traffic and in about a second with
  /// it (`CheckSchedule`), and a pair of balancers costs a server that is well less than one request in two seconds.
  package struct Health: Equatable, Sendable {
    package var check = Check.https
    /// The only page that the vendor supports for this: 200 is up, 503 is administratively disabled.
    package var path = "/favicon.ico"
    package var method = Method.get
    /// Statuses that mean that the server takes clients. 503 means drain unless it is one of them.
    package var expect: [UInt16] = [200]
    /// The Host field of the check. The canonical service name unless the file has another: a Connection Server
    /// refuses hosts that it does not know.
    package var host = ""
    /// From the start of one check to the start of the next, while nothing is in doubt.
    package var interval = Interval.seconds(5)
    /// In which connection, TLS handshake and whole answer must be complete.
    package var timeout = Interval.seconds(5)
    /// Checks passed in a row that make a server up.
    package var rise = 2
    /// Checks failed in a row that make a server down.
    package var fall = 3
    /// Each interval is lengthened or shortened by a random time up to this, so that two balancers with many servers
    /// do not check all of them at the same moment. Smaller than `interval`; a tenth of it unless the file says
    /// otherwise.
    package var jitter = Interval.milliseconds(500)
    /// Whether what clients meet keeps new ones from a server (`PassiveCheck`).
    package var passive = false
    /// How long the weight for new clients of a server that has come back grows; zero: it counts at once.
    package var slowStart = Interval.zero
    /// What becomes of the requests and tunnels of a server that is down and does not answer any more. It would hold its
    /// clients until a time-out, a tunnel's for hours: they are detached, and come back to another server. One that
    /// gives its checks a wrong answer keeps them whatever this says: a wrong `path` must not cut a healthy server's.
    package var onDown = OnDown.close

    /// How long a server may be silent before what runs on it ends: as long as `fall` checks take one after the other.
    package var lossTime: Interval { Interval(nanoseconds: timeout.nanoseconds &* UInt64(fall)) }

    package init() {}

    /// What a server has to do to pass.
    package enum Check: String, CaseIterable, Sendable {
      /// A request over TLS, answered with 200.
      case https
      /// A complete TLS handshake.
      case tls
      /// A TCP connection. A server that accepts and then hangs passes this check.
      case tcp
    }

    /// What becomes of the requests and tunnels of a server that goes down.
    package enum OnDown: String, CaseIterable, Sendable {
      /// They end at once.
      case close
      /// They go on for as long as the server and the time-outs let them.
      case keep
    }

    /// The method of an https check.
    package enum Method: String, CaseIterable, Sendable {
      case get = "GET"
      case head = "HEAD"
    }
  }
}
