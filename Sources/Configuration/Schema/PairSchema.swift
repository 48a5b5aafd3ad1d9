import Wire

/// The settings of a pair whose nodes know of each other.
extension Schema {
  static let pair = Section<Configuration.Pair>(
    name: "pair",
    keys: [
      Key(
        "nodes", \.nodes, .nodes, required: true, example: "{ lb1: 192.168.1.162, lb2: 192.168.1.163 }",
        "All nodes, \(nodeCounts), by their host names, each with its own address, not the virtual one."),
      Key(
        "secret", \.secret, .path(.pairSecret), required: true, example: "/etc/belvedere/tls/pair.key",
        """
        File with the secret that all nodes have (`belvedere pair new-secret`), or `credential:NAME` of systemd. The \
        worker reads it, so it belongs to the certificates' folder.
        """),
      Key(
        "node", \.node, .routerName, default: "the node that has this machine's host name", example: "lb1",
        "Which of the nodes this one is."),
      Key(
        "port", \.port, .number(1...65_535), example: "2359", "TCP port of the nodes' addresses, for the nodes alone."),
    ])

  private static let nodeCounts =
    "\(Configuration.Pair.nodeCounts.lowerBound) to \(Configuration.Pair.nodeCounts.upperBound)"
}

extension Configuration.Pair: DefaultInitialized {}
