import ArgumentParser
import Linux
import Wire

/// The option for the file with the apply key: the same on all nodes, and readable for root only.
struct ApplyKeyFile: ParsableArguments {
  private static let keyBytes = 32
  /// The largest file.
  private static let limit = 4096

  @Option(
    name: .customLong("key"), help: ArgumentHelp("The file with the apply key.", valueName: "path"),
    completion: .file())
  var path = "/etc/belvedere/apply.key"

  /// Why there is no usable key.
  struct Fault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }

  /// Reads 64 hexadecimal digits.
  func read() throws(Fault) -> [UInt8] {
    let text: [UInt8]
    do throws(SystemError) { text = try File.contents(of: path, limit: Self.limit) } catch {
      throw Fault("\(path), the apply key, can't be read: \(SystemError.words(for: error.code))")
    }
    guard File.isPrivate(path) else {
      throw Fault("\(path), the apply key, must belong to root and be readable for root only: chmod 600 \(path)")
    }
    guard let key = Hexadecimal.bytes(text.filter { !" \t\r\n".utf8.contains($0) }), key.count == Self.keyBytes else {
      throw Fault("\(path) has no apply key: expected 64 hexadecimal digits")
    }
    return key
  }
}
