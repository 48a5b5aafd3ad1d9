import CLinux

/// What a process may do with files, and where: a Landlock ruleset (landlock(7)). What is already open stays open.
public struct FileAccess: Hashable, Sendable {
  /// What may be done below a folder, or with a file.
  public struct Rights: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    private static let writeFile = Rights(rawValue: 1 << 1)
    private static let readFile = Rights(rawValue: 1 << 2)
    private static let listFolder = Rights(rawValue: 1 << 3)
    private static let removeFile = Rights(rawValue: 1 << 5)
    private static let makeFile = Rights(rawValue: 1 << 8)

    /// What makes a file another one, or its contents.
    public static let change: Rights = [writeFile, removeFile, makeFile]
    public static let contents: Rights = [readFile]
    public static let read: Rights = [readFile, listFolder]
    /// Write to what is there, make what is not.
    public static let append: Rights = [writeFile, makeFile]
    /// Put one file in another's place.
    public static let replace: Rights = [read, append, removeFile]
  }

  /// What may be done, by canonical path. A path allows what is below it.
  public private(set) var rights: [String: Rights] = [:]

  public init() {}

  /// Adds rights at a canonical path and below it.
  public mutating func allow(_ rights: Rights, below path: String) { self.rights[path, default: []].formUnion(rights) }

  /// Whether nothing is allowed there that is not allowed here, going by those paths here that `counts` is true of.
  public func covers(_ other: FileAccess, where counts: (String) -> Bool = { _ in true }) -> Bool {
    other.rights.allSatisfy { path, wanted in rightsAt(path, where: counts).isSuperset(of: wanted) }
  }

  /// Whether any of this is allowed at a canonical path.
  public func allowsAny(of rights: Rights, at path: String) -> Bool { !rightsAt(path).isDisjoint(with: rights) }

  /// What may be done at a canonical path: all that is allowed to it or to a folder above.
  private func rightsAt(_ path: String, where counts: (String) -> Bool = { _ in true }) -> Rights {
    var found: Rights = []
    var place = path
    while true {
      if let here = rights[place], counts(place) { found.formUnion(here) }
      guard place != "/", !place.isEmpty else { return found }
      place = File.directory(of: place)
    }
  }

  /// Confines the calling thread, and threads and processes that come from it, for ever. `Privileges` must have forbidden
  /// new ones. What a kernel's Landlock does not know yet is left out: the refusal of signals to other processes came
  /// with version 6, that of bound TCP ports with version 4. Paths that are not there allow nothing.
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
    guard cl_landlock_enforce(ruleset.number) == 0 else { throw SystemError("landlock_restrict_self") }
    return version
  }

  /// Everything that a version can refuse: 13 rights, then REFER, TRUNCATE and, with the fifth, IOCTL_DEV.
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
