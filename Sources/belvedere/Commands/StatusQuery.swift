import Control
import Linux
import Wire

/// A request for the status that is under way, for a program that must not wait for its answer.
struct StatusQuery: ~Copyable {
  /// Readable when there is more of the answer.
  let socket: Descriptor
  private let control: ControlSocket
  private var line: [UInt8] = []

  /// Sends the request.
  init(to control: ControlSocket) throws(ControlSocket.Fault) {
    self.control = control
    do throws(SystemError) { socket = try Self.ask(control) } catch {
      throw ControlSocket.Fault(control.words(for: error))
    }
  }

  private static func ask(_ control: ControlSocket) throws(SystemError) -> Descriptor {
    let socket = try LocalSocket.connect(to: control.path)
    // A request is shorter than the buffer of any socket.
    let bytes = Array(ControlRequest.status.line.utf8) + [UInt8(ascii: "\n")]
    if case .failed(let code) = Socket.write(socket.number, bytes.span) { throw SystemError("send", code: code) }
    return socket
  }

  /// Reads what has come; nil while the answer is not complete.
  mutating func advance() throws(ControlSocket.Fault) -> StatusReport? {
    while line.count <= ControlAnswer.byteLimit {
      switch LocalSocket.receive(from: socket, limit: 65_536) {
      case .nothing: return nil
      case .ended: throw ControlSocket.Fault("the service at \(control.path) ended before it answered")
      case .bytes(let bytes):
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
          line += bytes
          continue
        }
        return try control.report(in: line + bytes[..<end])
      }
    }
    throw ControlSocket.Fault("the service at \(control.path) sent an answer that is too long")
  }
}
