import Balancing
import Wire

extension Configuration {
  /// A section of a file, and what it comes to.
  package struct SectionDigest: Hashable, Sendable {
    /// As in the file: `health`, `services.view.health`.
    package let name: String
    package let digest: UInt64
  }

  /// Digests of a file's sections as they are written, to compare the files of a pair's nodes. Comments, layout and the
  /// order of keys do not count, nor does what may differ between nodes:
  ///
  /// - `threads`, and `node` of `pair`;
  /// - `interface`, `priority`, `source` and `peers` of `vrrp`, and the interfaces that it tracks;
  /// - the node's own address in `listen`, which is the same as another node's own one.
  package static func sectionDigests(of text: [UInt8], pair: Pair?) -> [SectionDigest] {
    guard let source = try? SourceText(file: "", bytes: text) else { return [] }
    var composer = Composer(source)
    guard case .mapping(let entries)? = composer.compose()?.content else { return [] }
    let own = pair?.own?.address
    return entries.flatMap { entry -> [SectionDigest] in
      guard entry.key == Schema.servicesKey, case .mapping(let services) = entry.value.content else {
        return entry.digest("", own).map { [$0] } ?? []
      }
      return services.flatMap { service -> [SectionDigest] in
        guard case .mapping(let sections) = service.value.content else { return [] }
        return sections.compactMap { $0.digest("\(entry.key).\(service.key).", own) }
      }
    }
  }
}

extension Node.Entry {
  private static let ofNodes: [String: Set<String>] = [
    "vrrp": ["interface", "priority", "source", "peers"], "pair": ["node"],
  ]

  /// Nil for a section that may differ as a whole.
  fileprivate func digest(_ prefix: String, _ own: IPAddress?) -> Configuration.SectionDigest? {
    guard key != "threads" else { return nil }
    let text = value.text(key: key, without: Self.ofNodes[key] ?? [], own)
    return Configuration.SectionDigest(name: prefix + key, digest: ServerID(name: text).rawValue)
  }
}

extension Node {
  /// The value in one spelling, without these keys at any depth. `key`: the one that it belongs to.
  fileprivate func text(key: String, without omitted: Set<String>, _ own: IPAddress?) -> String {
    switch content {
    case .refused: return "~"
    case .scalar where isEmpty: return "~"
    case .scalar(let text, _):
      guard key == "listen", let own else { return text.debugDescription }
      if let endpoint = try? Endpoint(parsing: text), endpoint.address == own { return "node:\(endpoint.port)" }
      return (try? IPAddress(parsing: text)) == own ? "node" : text.debugDescription
    case .list(let items):
      let texts = items.map { $0.text(key: key, without: omitted, own) }
      // One item may be written without a list.
      return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ",") + "]"
    case .mapping(let entries):
      let kept = entries.filter { !omitted.contains($0.key) }.sorted { $0.key < $1.key }
      let texts = kept.map {
        "\($0.key.debugDescription):" + $0.value.text(key: $0.key, without: omitted, own)
      }
      return "{" + texts.joined(separator: ",") + "}"
    }
  }
}
