import Domain
import Wire

/// One end of a stream between a process here and one on another node: what may be read from the local process, and what
/// it is yet to be given.
///
///     opener:   opening → open → ending → ended
///     acceptor: waiting → connecting → open → ending → ended
///
/// Pure: `handle` takes an event and returns effects. `handle(.timer)` is due at `deadline`. What is received and not yet
/// given to the local process is limited by the window, since credit is granted only after that.
struct NodeStream {
  enum State: Equatable {
    /// The other node has not said yet that its process is connected.
    case opening(deadline: Instant)
    /// An earlier stream has begun a moment ago.
    case waiting(until: Instant)
    /// The local process is being connected.
    case connecting
    case open(deadline: Instant)
    /// Nothing more comes; the local process is given what has come, until the deadline.
    case ending(reason: String, deadline: Instant)
    case ended
  }

  enum Event: Equatable {
    /// The local process is connected.
    case connected
    /// The other node has sent this.
    case received(StreamMessage.Content)
    /// The local process has sent these bytes; only while `mayRead`, at most a message's.
    case read([UInt8])
    /// The local process has taken everything that it was given.
    case room
    /// The local process has closed its connection, in either direction.
    case closed
    /// The stream can't go on.
    case abort(reason: String)
    case timer
  }

  enum Effect: Equatable {
    /// Connect the local process.
    case connect
    /// Send the other node this.
    case send(StreamMessage.Content)
    /// The other node's process is connected.
    case accepted
    /// Give the local process these bytes.
    case write([UInt8])
    /// Close the local process's connection, when it has taken everything. An empty reason: a process has closed its own.
    case ended(reason: String)
    /// A message that an intact worker would have refused.
    case invalid
  }

  /// How long the other node may take to connect its process.
  static let openingTimeout = Interval.seconds(10)
  /// How long a stream may last.
  static let timeout = Interval.minutes(15)
  /// How long the local process may take for the last bytes.
  static let endingTimeout = Interval.seconds(10)
  /// The least time between two grants: at most `StreamWindow.size` messages come in it.
  static let creditInterval = Interval.milliseconds(25)

  let role: StreamMessage.Sender
  private(set) var state: State
  private var window: StreamWindow
  /// Received, not given to the local process yet.
  private var input: [[UInt8]] = []
  /// Messages that the local process was given, and that are not credited.
  private var uncredited = 0
  private var nextCredit: Instant

  /// The end of the process that wants the stream. The first effect is `open`.
  init(openingAt now: Instant) {
    self.init(.opener, .opening(deadline: now + Self.openingTimeout), at: now)
  }

  /// The end of the other process, which is connected at `start`.
  init(acceptingAt start: Instant, now: Instant) {
    self.init(.acceptor, .waiting(until: start), at: now)
  }

  private init(_ role: StreamMessage.Sender, _ state: State, at now: Instant) {
    self.role = role
    self.state = state
    window = StreamWindow(for: role)
    nextCredit = now
  }

  /// When `handle(.timer)` is due.
  var deadline: Instant? {
    switch state {
    case .opening(let deadline), .waiting(let deadline), .ending(_, let deadline): deadline
    case .open(let deadline): uncredited > 0 ? min(deadline, nextCredit) : deadline
    case .connecting, .ended: nil
    }
  }

  /// Whether the local process may send something.
  var mayRead: Bool { if case .open = state { window.sendable > 0 } else { false } }

  /// Whether `.room` brings the local process something.
  var hasInput: Bool {
    switch state {
    case .open, .ending: !input.isEmpty
    case .opening, .waiting, .connecting, .ended: false
    }
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    switch (state, event) {
    case (.ended, _): []
    case (.ending(let reason, let deadline), _): whileEnding(event, reason, deadline, at: now)
    case (_, .abort(let reason)): abort(reason)
    case (_, .closed): abort("")
    case (_, .received(let content)): receive(content, at: now)
    case (_, .timer): handleTimer(at: now)
    case (.connecting, .connected): connected(at: now)
    case (.open, .read(let bytes)): read(bytes)
    case (.open, .room): give(at: now)
    case (_, .connected), (_, .read), (_, .room): []
    }
  }

  private mutating func whileEnding(
    _ event: Event, _ reason: String, _ deadline: Instant, at now: Instant
  ) -> [Effect] {
    switch event {
    case .room where !input.isEmpty:
      let bytes = input.removeFirst()
      return [.write(bytes)] + (input.isEmpty ? end(reason) : [])
    case .closed, .abort: return end(reason)
    case .timer: return now < deadline ? [] : end(reason)
    case .connected, .received, .read, .room: return []
    }
  }

  private mutating func handleTimer(at now: Instant) -> [Effect] {
    guard let deadline, now >= deadline else { return [] }
    switch state {
    case .opening: return abort("the other node has not answered for \(Self.openingTimeout.text)")
    case .waiting:
      state = .connecting
      return [.connect]
    case .open(let end): return now >= end ? abort("it has lasted for \(Self.timeout.text)") : credit(at: now)
    case .connecting, .ending, .ended: return []
    }
  }

  private mutating func connected(at now: Instant) -> [Effect] {
    state = .open(deadline: now + Self.timeout)
    uncredited = StreamWindow.size
    return credit(at: now)
  }

  private mutating func receive(_ content: StreamMessage.Content, at now: Instant) -> [Effect] {
    guard window.receive(content) else { return abort("the other node sent more than was granted") + [.invalid] }
    switch content {
    case .open: return []
    case .data(let bytes): input.append(bytes)
    case .credit:
      guard case .opening = state else { return [] }
      state = .open(deadline: now + Self.timeout)
      return [.accepted]
    case .close(let reason):
      guard !input.isEmpty else { return end(reason) }
      state = .ending(reason: reason, deadline: now + Self.endingTimeout)
    }
    return []
  }

  private mutating func read(_ bytes: [UInt8]) -> [Effect] {
    let content = StreamMessage.Content.data(bytes)
    guard window.send(content) else { return abort("it has more than \(StreamWindow.byteLimit >> 20) MB") }
    return [.send(content)]
  }

  private mutating func give(at now: Instant) -> [Effect] {
    guard !input.isEmpty else { return [] }
    uncredited += 1
    return [.write(input.removeFirst())] + credit(at: now)
  }

  /// Grants what the local process was given, unless an earlier grant was a moment ago.
  private mutating func credit(at now: Instant) -> [Effect] {
    guard uncredited > 0, now >= nextCredit else { return [] }
    let content = StreamMessage.Content.credit(uncredited)
    guard window.send(content) else { return [] }
    uncredited = 0
    nextCredit = now + Self.creditInterval
    return [.send(content)]
  }

  /// Ends the stream on this node's account.
  private mutating func abort(_ reason: String) -> [Effect] { [.send(.close(reason: reason))] + end(reason) }

  private mutating func end(_ reason: String) -> [Effect] {
    state = .ended
    input = []
    return [.ended(reason: reason)]
  }
}
