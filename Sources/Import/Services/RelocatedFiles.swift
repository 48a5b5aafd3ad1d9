/// Names the certificates of imported services as in another folder, and lists what has to be copied there.
package struct RelocatedFiles: Sendable {
  /// A file and its new path.
  package struct Copy: Hashable, Sendable {
    package let source: String
    package let destination: String
  }

  package private(set) var copies: [Copy] = []
  /// The new path of each file.
  private var destinations: [String: String] = [:]
  private var taken: Set<String> = []
  /// The number that the next file of a name gets.
  private var numbers: [String: Int] = [:]
  /// Nil leaves all files where they are.
  private let folder: String?

  init(folder: String?) {
    self.folder = folder.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
  }

  /// The service with the new paths.
  mutating func rename(_ service: ServiceDraft) -> ServiceDraft {
    guard folder != nil else { return service }
    var service = service
    service.settings = renamed(service.settings)
    for index in service.servers.indices {
      service.servers[index].settings = renamed(service.servers[index].settings)
    }
    return service
  }

  /// The keys whose values are paths; those that HAProxy finds relative to its own folder stay.
  private mutating func renamed(_ mapping: YAMLMapping) -> YAMLMapping {
    var result = YAMLMapping()
    for entry in mapping.entries {
      let node: YAMLNode
      switch (entry.key, entry.node) {
      case ("certificate", .scalar(let path)), ("ca", .scalar(let path)), ("crl", .scalar(let path)):
        node = .scalar(renamed(path))
      case ("certificates", .list(let items)):
        node = .list(
          items.map { item in
            guard case .scalar(let path) = item else { return item }
            return .scalar(renamed(path))
          })
      case (_, .mapping(let inner)): node = .mapping(renamed(inner))
      default: node = entry.node
      }
      result.set([entry.key], node, comment: entry.comment)
    }
    return result
  }

  private mutating func renamed(_ path: String) -> String {
    guard let folder, path.hasPrefix("/"), !path.hasPrefix(folder + "/"),
      let name = path.split(separator: "/").last.map(String.init)
    else { return path }
    if let known = destinations[path] { return known }
    var destination = "\(folder)/\(name)"
    while !taken.insert(destination).inserted {
      let number = numbers[name, default: 2]
      destination = "\(folder)/\(number)-\(name)"
      numbers[name] = number + 1
    }
    destinations[path] = destination
    copies.append(Copy(source: path, destination: destination))
    return destination
  }
}
