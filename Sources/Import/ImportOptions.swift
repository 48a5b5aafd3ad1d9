import Wire

/// What the command line adds to the files.
package struct ImportOptions: Sendable {
  /// Variables of the environment.
  package var environment: [String: String]
  /// The name of the service; nil if the files name it.
  package var service: String?
  /// This machine's name, for values that differ between nodes.
  package var hostName: String
  /// The folder into which certificates are copied; nil leaves them where they are.
  package var certificates: String?
  /// The files that a pattern names, for `include` in keepalived.conf.
  package var files: @Sendable (String) -> [SourceFile]
  /// The names in a folder; nil for anything else.
  package var folder: @Sendable (String) -> [String]?

  /// Whether a text can be the name of a service, or of a node.
  package static func isHostName(_ name: String) -> Bool { HostName.isValid(name) }

  /// By default nothing is a folder.
  package init(
    environment: [String: String], service: String?, hostName: String, certificates: String? = nil,
    files: @escaping @Sendable (String) -> [SourceFile],
    folder: @escaping @Sendable (String) -> [String]? = { _ in nil }
  ) {
    self.environment = environment
    self.service = service
    self.hostName = hostName
    self.certificates = certificates
    self.files = files
    self.folder = folder
  }
}

/// keepalived.conf of a node.
package struct NodeFile: Sendable {
  /// The first label of its host name.
  package var node: String
  package var file: SourceFile

  package init(node: String, file: SourceFile) {
    self.node = node
    self.file = file
  }
}
