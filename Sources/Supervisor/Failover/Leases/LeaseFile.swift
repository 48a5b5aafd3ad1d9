import Linux

/// The file where a supervisor records its addresses for `belvedere release`: beside the control socket, in a directory
/// that does not survive a reboot.
struct LeaseFile {
  private static let name = "leases"
  /// More than 255 virtual routers need.
  private static let limit = 1 << 20

  let path: String

  /// Nil when the control socket is abstract.
  init?(besides control: String) {
    guard !LocalSocket.isAbstract(control) else { return nil }
    path = File.directory(of: control) + "/" + Self.name
  }

  /// Removes the file when the record is empty.
  func write(_ record: LeaseRecord) throws(SystemError) {
    guard !record.addresses.isEmpty else { return remove() }
    try File.replace(path, with: Array(record.text.utf8).span)
  }

  func remove() { File.remove(path) }

  /// The addresses of an earlier run; nil when there is no file, or an invalid one.
  func record() -> LeaseRecord? {
    guard let text = try? read() else { return nil }
    return try? LeaseRecord(parsing: text)
  }

  /// Nil when there is none.
  func read() throws(SystemError) -> String? {
    do {
      return String(decoding: try File.contents(of: path, limit: Self.limit), as: UTF8.self)
    } catch  where error.code == SystemError.notFound {
      return nil
    }
  }
}
