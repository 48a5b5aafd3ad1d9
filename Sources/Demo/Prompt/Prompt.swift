import Linux

/// The source of commands: a terminal, a script, or nothing (/dev/null).
struct Prompt: ~Copyable {
  /// The longest line in bytes; longer ones are discarded.
  private static let longestLine = 1000

  /// Whether standard input is a terminal, so that a prompt is shown.
  let isInteractive: Bool
  /// The input has ended.
  private(set) var isEnded = false

  private let input: Descriptor
  private var partial: [UInt8] = []

  /// Must be created before any other descriptor: see `StandardInput.open`.
  init() throws(SystemError) {
    isInteractive = StandardInput.isTerminal
    input = try StandardInput.open()
  }

  /// Makes `poller` report `token` when there is input, and returns lines that are available already. A file, unlike a
  /// terminal or a pipe, can't be polled: it never blocks, so it is read completely.
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

  /// The lines completed since the last call. At the end of the input the poller stops watching.
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
