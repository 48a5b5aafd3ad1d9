import Control
import Linux
import Wire

/// A connection of the supervisor: one report after the other, a line of JSON each.
struct ReportReceiver: ~Copyable {
  /// The most bytes that are read in a turn of the loop.
  private static let bytesPerTurn = 1 << 20

  private let descriptor: Descriptor
  /// What was received of the next report.
  private var line: [UInt8] = []

  /// Whether a part of a report was received.
  var hasBegun: Bool { !line.isEmpty }

  enum Receipt {
    /// Nothing, or a part of a report.
    case incomplete
    /// The latest complete report.
    case report(StatusReport)
    /// The connection is to be closed. `reason`: where that is the peer's fault.
    case ended(reason: String?)
  }

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Its events have this token from now on.
  func watch(_ poller: borrowing Poller, token: UInt64) throws(SystemError) {
    poller.forget(descriptor)
    try poller.watchLevel(descriptor, token: token)
  }

  /// Reads what is there.
  mutating func read() -> Receipt {
    var complete: [UInt8]?
    var count = 0
    reading: while count < Self.bytesPerTurn {
      switch LocalSocket.receive(from: descriptor, limit: 65_536) {
      case .nothing: break reading
      case .ended: return .ended(reason: nil)
      case .bytes(let bytes):
        count += bytes.count
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          complete = line + rest[..<end]
          line = []
          rest = rest[(end + 1)...]
        }
        line += rest
        guard line.count <= ControlAnswer.byteLimit else { return .ended(reason: "a report is too long") }
      }
    }
    guard let complete else { return .incomplete }
    do throws(ControlFault) {
      guard case .status(let report) = try ControlAnswer(parsing: complete) else {
        return .ended(reason: "it sent something else than a report")
      }
      return .report(report)
    } catch {
      return .ended(reason: "\(error)")
    }
  }
}
