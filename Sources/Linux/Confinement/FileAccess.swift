import CLinux

/// A process's file access: a Landlock ruleset (landlock(7)). Descriptors that are already open are not restricted.
public struct FileAccess: Hashable, Sendable {
  /// The rights below a directory, or on a file.
  public struct Rights: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    private static let writeFile = Rights(rawValue: 1 << 1)
    private static let readFile = Rights(rawValue: 1 << 2)
    private static let listFolder = Rights(rawValue: 1 << 3)
    private static let removeFile = Rights(rawValue: 1 << 5)
    private static let makeFile = Rights(rawValue: 1 << 8)

    /// Rights that change a file's contents or replace it.
    public static let change: Rights = [writeFile, removeFile, makeFile]
    public static let contents: Rights = [readFile]
    public static let read: Rights = [readFile, listFolder]
    /// Write existing files and create new ones.
    public static let append: Rights = [writeFile, makeFile]
    /// Replace a file by renaming another over it.
    public static let replace: Rights = [read, append, removeFile]
  }

  /// The rights by canonical path. They also apply below it.
  public private(set) var rights: [String: Rights] = [:]

  public init() {}

  /// Adds rights at a canonical path and below it.
  public mutating func allow(_ rights: Rights, below path: String) { self.rights[path, default: []].formUnion(rights) }

  /// Whether these rights include all of `other`. Only paths here for which `counts` is true are used.
  public func covers(_ other: FileAccess, where counts: (String) -> Bool = { _ in true }) -> Bool {
    other.rights.allSatisfy { path, wanted in rightsAt(path, where: counts).isSuperset(of: wanted) }
  }

  /// Whether any of these rights is allowed at a canonical path.
  public func allowsAny(of rights: Rights, at path: String) -> Bool { !rightsAt(path).isDisjoint(with: rights) }

  /// The rights at a canonical path: its own and those of the directories above.
  private func rightsAt(_ path: String, where counts: (String) -> Bool = { _ in true }) -> Rights {
    var found: Rights = []
    var place = path
    while true {
      if let here = rights[place], counts(place) { found.formUnion(here) }
      guard place != "/", !place.isEmpty else { return found }
      place = File.directory(of: place)
    }
  }

  /// Confines the calling thread, and all threads and processes that it creates, permanently. Requires
  /// `Privileges.forbidNew`. Restrictions that the kernel's Landlock version lacks are skipped: TCP ports that are bound
  /// came with version 4 (only a port of the kernel's choice is allowed), signals to other processes with version 6.
  /// Paths that do not exist allow nothing.
  ///
  /// - Returns: Landlock's version.
  @discardableResult
  public func enforce() throws(SystemError) -> Int {
    let version = Int(cl_landlock_version())
    guard version > 0 else { throw SystemError("landlock_create_ruleset") }
    let ruleset = try Descriptor(
      cl_landlock_ruleset(
        Self.handled(by: version), version >= 4 ? Self.bindTCP : 0,
        version >= 6 ? Self.abstractSockets | Self.signals : 0),
      of: "landlock_create_ruleset")
    for (path, rights) in rights {
      // SAFETY: the path is a C string during the call.
      let result = unsafe cl_landlock_allow(ruleset.number, path, rights.rawValue & Self.handled(by: version))
      guard result == 0 || [ENOENT, EACCES, ENOTDIR].contains(cl_errno()) else {
        throw SystemError("landlock_add_rule \(path)")
      }
    }
    guard version < 4 || cl_landlock_allow_port(ruleset.number, Self.bindTCP, 0) == 0 else {
      throw SystemError("landlock_add_rule")
    }
    guard cl_landlock_enforce(ruleset.number) == 0 else { throw SystemError("landlock_restrict_self") }
    return version
  }

  /// The rights that a version can restrict: 13, then REFER, TRUNCATE and, from version 5, IOCTL_DEV.
  private static func handled(by version: Int) -> UInt64 {
    let count =
      switch version {
      case 1: 13
      case 2: 14
      case 3, 4: 15
      default: 16
      }
    return 1 << count - 1
  }

  private static let bindTCP: UInt64 = 1 << 0
  private static let abstractSockets: UInt64 = 1 << 0
  private static let signals: UInt64 = 1 << 1
}
