import Wire

extension Configuration {
  /// How the servers' health is checked.
  ///
  /// The vendor specifies a check every 30 s and a timeout of two to three times that; in practice checks run every 2
  /// s. The defaults are in between: a failed server is detected within seconds without traffic and in about one second
  /// with traffic (`CheckSchedule`), and a pair of balancers sends a healthy server far less than one request per two
  /// seconds.
  package struct Health: Equatable, Sendable {
    package var check = Check.https
    /// The only page that the vendor supports for health checks: 200 is up, 503 is administratively disabled.
    package var path = "/favicon.ico"
    package var method = Method.get
    /// Statuses of an available server. 503 means drain unless it is one of them.
    package var expect: [UInt16] = [200]
    /// The Host field of the check. The canonical service name unless the file has another: a Connection Server
    /// rejects unknown hosts.
    package var host = ""
    /// From the start of one check to the start of the next, while the server's state is certain.
    package var interval = Interval.seconds(5)
    /// The time limit for the connection, the TLS handshake and the whole response together.
    package var timeout = Interval.seconds(5)
    /// Consecutive successful checks until a server is up.
    package var rise = 2
    /// Consecutive failed checks until a server is down.
    package var fall = 3
    /// Maximum random change of each interval, in both directions, so that two balancers with many servers do not check
    /// all of them at the same time. Less than `interval`; a tenth of it unless the file has another value.
    package var jitter = Interval.milliseconds(500)
    /// Whether failures of clients' requests keep new clients from a server (`PassiveCheck`).
    package var passive = false
    /// How long the weight of a recovered server for new clients increases; zero: it has its full weight at once.
    package var slowStart = Interval.zero
    /// What happens to requests and tunnels of a server that is down and does not respond. Without `close` they would
    /// last until a timeout, which is hours for a tunnel: with it they end, and the clients reconnect to another
    /// server. A server that gives invalid responses to its checks keeps them with either value: a wrong `path` must
    /// not end a healthy server's.
    package var onDown = OnDown.close

    /// How long a server may be silent before its exchanges end: as long as `fall` checks take in sequence.
    package var lossTime: Interval { Interval(nanoseconds: timeout.nanoseconds &* UInt64(fall)) }

    package init() {}

    /// What a server must do to pass a check.
    package enum Check: String, CaseIterable, Sendable {
      /// Respond to a request over TLS with an expected status.
      case https
      /// Complete a TLS handshake.
      case tls
      /// Accept a TCP connection. A server that accepts connections and then hangs passes this check.
      case tcp
    }

    /// What happens to requests and tunnels of a server that goes down.
    package enum OnDown: String, CaseIterable, Sendable {
      /// They end at once.
      case close
      /// They continue for as long as the server and the timeouts permit.
      case keep
    }

    /// The method of an https check.
    package enum Method: String, CaseIterable, Sendable {
      case get = "GET"
      case head = "HEAD"
    }
  }
}
