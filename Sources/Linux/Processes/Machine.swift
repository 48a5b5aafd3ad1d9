import CLinux

/// Resources of the machine or of this process's control group.
public enum Machine {
  /// The kernel's ephemeral ports for outgoing connections; nil when they can't be read.
  public static var sourcePorts: ClosedRange<UInt16>? {
    sourcePorts(in: text(of: "/proc/sys/net/ipv4/ip_local_port_range"))
  }

  /// The memory limit of this process in bytes: the minimum of the machine's memory and of the limits of its control
  /// group and those above (memory.max, set by the unit's MemoryMax=).
  public static var memoryBound: UInt64? {
    let groups = memoryFiles(in: text(of: "/proc/self/cgroup")).compactMap { UInt64(text(of: $0)) }
    return (groups + [cl_memory_bytes()].filter { $0 > 0 }).min()
  }

  /// Parses `32768\t60999`.
  static func sourcePorts(in text: String) -> ClosedRange<UInt16>? {
    let bounds = text.split { $0 == "\t" || $0 == " " }.compactMap { UInt16($0) }
    guard bounds.count == 2, bounds[0] <= bounds[1] else { return nil }
    return bounds[0]...bounds[1]
  }

  /// The memory.max files of a control group and all above it, from the version 2 line of /proc/self/cgroup
  /// (`0::/system.slice/belvedere.service`).
  static func memoryFiles(in text: String) -> [String] {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return [] }
    var folder = "/sys/fs/cgroup"
    var files: [String] = []
    for name in line.dropFirst(4).split(separator: "/") {
      folder += "/" + name
      files.append(folder + "/memory.max")
    }
    return files
  }

  /// A small file's text without its line end; empty when it can't be read.
  private static func text(of path: String) -> String {
    guard let bytes = try? File.contents(of: path, limit: 4096) else { return "" }
    return String(decoding: bytes.prefix { $0 != 0x0a || path.hasSuffix("cgroup") }, as: UTF8.self)
  }
}
