import Apply
import Configuration
import Linux
import Wire

/// Where the new configuration and its files are read.
struct ApplySource {
  /// The new configuration.
  private let file: String
  /// The one that it becomes. An absolute path.
  let target: String

  /// Why the files can't be applied.
  struct Fault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }

  /// Paths may be relative.
  init(file: String, target: String) {
    self.file = file
    let folder = File.directory(of: target)
    let name = target.split(separator: "/").last ?? ""
    self.target = target.hasPrefix("/") ? target : (File.canonicalPath(of: folder) ?? folder) + "/" + name
  }

  /// Reads the configuration; for another node by its name.
  func load(_ text: [UInt8], hostName: String) -> Configuration.Loaded {
    Configuration.load(bytes: text, fileName: target, hostName: hostName)
  }

  /// The text of the new configuration.
  func text() throws -> [UInt8] { try contents(of: file) }

  /// The new configuration with the files that it names, and the paths of those that are not sent.
  func read(_ text: [UInt8], _ loaded: Configuration.Loaded) throws -> (proposal: ApplyProposal, left: [String]) {
    guard var proposal = ApplyProposal(configuration: text) else { throw Fault("\(file) is too large") }
    let folder = File.directory(of: target) + "/"
    var left: [String] = []
    var seen: Set<String> = []
    for reference in loaded.files where seen.insert(reference.path).inserted {
      guard ConfigurationChange.transferred.contains(reference.purpose), reference.path.hasPrefix(folder) else {
        if ConfigurationChange.transferred.contains(reference.purpose) { left.append(reference.path) }
        continue
      }
      let relative = String(reference.path.dropFirst(folder.utf8.count))
      let beside = File.directory(of: file) + "/" + relative
      let source = File.identity(of: beside) == nil ? reference.path : beside
      guard let sent = ApplyFile(path: relative, contents: try contents(of: source)) else {
        throw Fault("\(reference.path): a path with `.`, `..` or empty parts can't be applied")
      }
      guard proposal.add(sent) else {
        throw Fault(
          "more than \(ApplyProposal.fileLimit) files, or \(ApplyProposal.bytes >> 20) MB, can't be applied at once")
      }
    }
    return (proposal, left)
  }

  private func contents(of path: String) throws -> [UInt8] {
    do throws(SystemError) { return try File.contents(of: path, limit: ApplyProposal.fileBytes) } catch {
      throw Fault("\(path) can't be read: \(SystemError.words(for: error.code))")
    }
  }
}
