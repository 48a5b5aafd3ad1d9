import Linux

/// Where commands come from: a person at a terminal, a script, or nobody (/dev/null).
struct Prompt: ~Copyable {
  /// Longest line, in bytes; a longer one is forgotten.
  private static let longestLine = 1000

  /// Somebody sits there and wants to be asked.
  let isInteractive: Bool
  /// Nothing more will come.
  private(set) var isEnded = false

  private let input: Descriptor
  private var partial: [UInt8] = []

  /// To be made before any other descriptor: see `StandardInput.open`.
  init() throws(SystemError) {
    isInteractive = StandardInput.isTerminal
    input = try StandardInput.open()
  }

  /// Has `poller` say `token` whenever there is something to take, and returns the lines that are there already. A file,
  /// unlike a terminal or a pipe, can't be watched and need not be: it keeps no reader waiting, so it is read whole.
  mutating func watch(with poller: borrowing Poller, token: UInt64) -> [String] {
    do throws(SystemError) {
      try poller.watchLevel(input, token: token)
      return []
    } catch {
      var lines: [String] = []
      while !isEnded { lines += take(poller) }
      return lines
    }
  }

  /// The lines that have been completed since the last time. At the end `poller` is told to watch no more.
  mutating func take(_ poller: borrowing Poller) -> [String] {
    var result = ReadResult.closed
    partial.append(addingCapacity: 4096) { output in result = StandardInput.read(input, into: &output) }
    guard case .bytes = result else {
      poller.forget(input)
      isEnded = true
      return []
    }
    var lines: [String] = []
    while let end = partial.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: partial[..<end], as: UTF8.self))
      partial.removeSubrange(...end)
    }
    if partial.count > Self.longestLine { partial = [] }
    return lines
  }
}
