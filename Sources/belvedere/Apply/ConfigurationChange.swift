import Apply
import Configuration
import Control
import Domain
import Linux
import ReferencedFiles
import Supervisor
import TLS
import Wire

/// A change of this node's configuration and of the files that it names, as root: checks it without a change, writes
/// it, has the service reload, and puts the old files back.
///
/// Only one process has a change of a folder at a time. What may be written is what the new configuration names as
/// certificate, key, CA file or error page below its own folder.
struct ConfigurationChange: ~Copyable {
  /// The configuration's path.
  private let path: String
  private let service: ControlSocket
  /// Purposes of files that this process can't open.
  private let unopened: Set<FileReference.Purpose>

  private var lock: FolderLock?
  private var proposal: ApplyProposal?
  private var replaced: [FileReplacement] = []
  /// The services that could serve before the change.
  private var servingBefore = ServingServices()
  /// The certificates of the new configuration's services, by their names.
  private(set) var certificates: [String: [CertificateFacts]] = [:]

  /// What a proposal may contain.
  static let transferred: Set<FileReference.Purpose> = [
    .certificate, .privateKey, .trustAnchors, .clientAuthorities, .revocationLists, .errorPage,
  ]
  /// Longer than the service waits for its worker.
  private static let reloadTimeout = Interval.seconds(40)
  /// How long the service may take to find a server in each of its services, in seconds.
  private static let servingTimeout: UInt64 = 10

  /// `unopened`: purposes of files that this process can't open, and that only the service itself checks.
  init(of path: String, _ service: ControlSocket, unopened: Set<FileReference.Purpose> = []) {
    self.path = path
    self.service = service
    self.unopened = unopened
  }

  // MARK: Checking

  /// Answers `checked` or `refused`. `node`: the name that this node must have in both configurations; nil without a
  /// pair.
  mutating func check(_ proposal: ApplyProposal, node: String?) -> ApplyAnswer {
    do {
      lock = try FolderLock(File.directory(of: path))
      if lock == nil { return .refused(["another `belvedere apply` is at work on this node"]) }
      let status = try service.status(within: ControlSocket.statusTimeout)
      let warnings = try checkFiles(of: proposal, node: node)
      servingBefore = ServingServices(status)
      self.proposal = proposal
      return .checked(isActive: status.routers.contains { $0.state == .active }, warnings: warnings)
    } catch let reasons as Refusal {
      return .refused(reasons.reasons)
    } catch { return .refused(["\(error)"]) }
  }

  private struct Refusal: Error { var reasons: [String] }

  /// Checks the files as if they were in their places, and returns the warnings.
  private mutating func checkFiles(of proposal: ApplyProposal, node: String?) throws -> [String] {
    var folder = try PrivateFolder()
    var staged: [String: String] = [:]
    for (index, file) in proposal.files.enumerated() {
      // The names have one length, so that none is the beginning of another.
      staged[place(of: file)] = try folder.put("\(1000 + index)", contents: file.contents.span)
    }
    var loaded = Configuration.load(
      bytes: proposal.configuration, fileName: path, hostName: CurrentProcess.hostName(), stagedFiles: staged)
    certificates = loaded.checkFiles(at: Clock.wall(), control: service.path, besides: unopened)
    var texts = loaded.diagnostics.map(\.rendered)
    for (name, draft) in staged { texts = texts.map { $0.replacing(draft, with: name) } }
    guard let configuration = loaded.configuration else { throw Refusal(reasons: texts) }
    try requirePlaces(of: proposal, staged, loaded.files)
    if let node, configuration.pair?.node != node {
      let found = configuration.pair?.node ?? ""
      throw Refusal(reasons: ["in this configuration the node is not \(node), but \(found.isEmpty ? "none" : found)"])
    }
    let findings = InterfaceFindings.look(for: configuration)
    guard findings.errors.isEmpty else { throw Refusal(reasons: findings.errors.map { "error: vrrp: \($0)" }) }
    return texts + findings.warnings.map { "warning: vrrp: \($0)" }
  }

  /// Every file must be one that the configuration names for a purpose that may be written, and no other.
  private func requirePlaces(
    of proposal: ApplyProposal, _ staged: [String: String], _ references: [FileReference]
  ) throws {
    let folder = File.directory(of: path)
    guard let root = File.canonicalPath(of: folder) else { throw SystemError("open \(folder)") }
    for file in proposal.files {
      let place = place(of: file)
      let purposes = references.filter { $0.path == staged[place] }.map(\.purpose)
      guard !purposes.isEmpty, purposes.allSatisfy(Self.transferred.contains) else {
        throw Refusal(reasons: ["\(place) is not named as a certificate, key, CA file or error page only"])
      }
      let relative = File.directory(of: file.path)
      let wanted = relative == "." ? root : root + "/" + relative
      guard File.canonicalPath(of: File.directory(of: place)) == wanted else {
        throw Refusal(reasons: ["\(File.directory(of: place)) is no folder of this node below \(folder)"])
      }
      try Self.requireProtected(relative, below: root)
      try Self.requireReplaceable(place)
    }
    try Self.requireReplaceable(path)
  }

  /// No other user may put another folder in the place of one that was checked.
  private static func requireProtected(_ relative: String, below root: String) throws {
    var folder = root
    for part in [""] + relative.split(separator: "/").filter({ $0 != "." }) {
      if !part.isEmpty { folder += "/" + part }
      guard File.isFolderProtected(folder) else {
        throw Refusal(reasons: [
          "\(folder) must belong to root, and only root may write to it: chown root \(folder); chmod go-w \(folder)"
        ])
      }
    }
  }

  private static func requireReplaceable(_ path: String) throws {
    do throws(SystemError) { try FileReplacement.requireRegular(path) } catch {
      throw Refusal(reasons: ["\(path) can't be replaced: \(SystemError.words(for: error.code))"])
    }
  }

  private func place(of file: ApplyFile) -> String { File.directory(of: path) + "/" + file.path }

  // MARK: Changing

  /// Writes what was checked, has the service reload, and waits until it can serve. Answers `tookOver`, or `refused`
  /// with the old files in use.
  mutating func takeOver() -> ApplyAnswer {
    guard let proposal else { return .refused(["nothing was checked"]) }
    do throws(SystemError) {
      for file in proposal.files { try replace(place(of: file), with: file.contents) }
      try replace(path, with: proposal.configuration)
    } catch { return .refused(["\(error)"] + undo()) }
    let number: UInt64
    let warnings: [String]
    do throws(ControlSocket.Fault) {
      switch try service.exchange(.reload, timeout: Self.reloadTimeout) {
      case .reloaded(let count, let texts): (number, warnings) = (count, texts)
      // The service has kept the configuration that it had.
      case .refused(let reasons): return .refused(reasons + undo())
      default: return restore(because: ["the service gave an unexpected answer to the reload"])
      }
    } catch { return restore(because: ["\(error)"]) }
    let failures = waitUntilServing()
    return failures.isEmpty ? .tookOver(configuration: number, warnings: warnings) : restore(because: failures)
  }

  /// Puts the old files back and reloads: `restored`, or `refused` with what did not work.
  mutating func putBack() -> ApplyAnswer {
    let failures = undo() + reload()
    lock = nil
    return failures.isEmpty ? .restored : .refused(failures)
  }

  /// Ends the change; the old files stay beside the new ones.
  mutating func keep() {
    replaced = []
    lock = nil
  }

  private mutating func replace(_ path: String, with contents: [UInt8]) throws(SystemError) {
    if (try? File.contents(of: path, limit: contents.count)) == contents { return }
    replaced.append(try FileReplacement(path, with: contents.span))
  }

  private mutating func restore(because reasons: [String]) -> ApplyAnswer { .refused(reasons + undo() + reload()) }

  /// Returns what did not work.
  private mutating func undo() -> [String] {
    var failures: [String] = []
    for replacement in replaced.reversed() {
      do throws(SystemError) { try replacement.undo() } catch {
        failures.append("\(replacement.path) could not be put back: \(error)")
      }
    }
    replaced = []
    return failures
  }

  private func reload() -> [String] {
    do throws(ControlSocket.Fault) {
      switch try service.exchange(.reload, timeout: Self.reloadTimeout) {
      case .reloaded: return []
      case .refused(let reasons): return ["the service refuses the old configuration:"] + reasons
      default: return ["the service gave an unexpected answer to the reload"]
      }
    } catch { return ["\(error)"] }
  }

  /// Returns why the service can't serve, after it had its time.
  private func waitUntilServing() -> [String] {
    let deadline = Clock.monotonic() + .seconds(Self.servingTimeout)
    do throws(ControlSocket.Fault) {
      var serving = ServingServices(try service.status(within: ControlSocket.statusTimeout))
      while let name = serving.missing(after: servingBefore).first {
        let rest = deadline - Clock.monotonic()
        guard rest > .zero else { break }
        serving = ServingServices(try service.status(once: .serving(service: name), within: rest))
      }
      return serving.failures(after: servingBefore)
    } catch { return ["\(error)"] }
  }
}
