/// Virtual routers, and the other nodes of a pair.
extension Metrics {
  private static let ofRouter = ["router", "interface", "vrid"]
  private static func router(_ name: String, _ help: String) -> Metric { .gauge("vrrp_" + name, help, by: ofRouter) }

  static let routerState = Metric.gauge(
    "vrrp_state", "1 for the state of the virtual router, 0 for the others.", by: ofRouter + ["state"])
  static let routerChanged = router("state_timestamp_seconds", "Since when the router has this state, in Unix time.")
  static let priority = router("priority", "The effective priority of this node.")
  static let configuredPriority = router("configured_priority", "The configured priority of this node.")
  static let holdsAddresses = router("holds_addresses", "Whether the virtual addresses are on the interface.")
  static let faults = router("faults", "What prevents this node from taking part in the election.")
  static let reductions = router("priority_reductions", "What lowers the priority of this node.")
  static let duplicate = router("duplicate_active", "Whether another node is Active as well.")
  static let unheard = router("peer_unheard", "Whether advertisements of a connected node of the pair do not arrive.")
  static let peerPriority = router("peer_priority", "The priority in the last advertisement of another node.")
  static let peerHeard = router(
    "peer_heard_timestamp_seconds", "When the last advertisement of another node was received, in Unix time.")
  static let transitions = Metric.counter(
    "vrrp_transitions", "How often this node entered a state since the supervisor started.", by: ofRouter + ["state"])
  static let sent = Metric.counter("vrrp_advertisements_sent", "Advertisements sent.", by: ofRouter)
  static let received = Metric.counter("vrrp_advertisements_received", "Valid advertisements received.", by: ofRouter)
  static let rejected = Metric.counter(
    "vrrp_advertisements_rejected", "Advertisements rejected, by reason.", by: ofRouter + ["reason"])
  static let lateTimers = Metric.counter("vrrp_timers_late", "Timers of virtual routers that were more than 5 ms late.")
  static let worstDelay = Metric.gauge("vrrp_timer_delay_max_seconds", "The longest delay of such a timer.")

  static let routers: [Metric] = [
    routerState, routerChanged, priority, configuredPriority, holdsAddresses, faults, reductions, duplicate, unheard,
    peerPriority, peerHeard, transitions, sent, received, rejected, lateTimers, worstDelay,
  ]

  static let nodeUp = Metric.gauge("pair_node_up", "Whether another node of the pair answers.", by: ["node"])
  static let nodeHeard = Metric.gauge(
    "pair_node_heard_timestamp_seconds", "When another node was heard last, in Unix time.", by: ["node"])
  static let clockDifference = Metric.gauge(
    "pair_node_clock_difference_seconds", "How far the clock of another node is from this one's.", by: ["node"])
  static let nodeSessions = Metric.gauge(
    "pair_node_sessions", "Clients connected with a server on a node.", by: ["node"])
  static let nodeConnections = Metric.gauge(
    "pair_node_connections", "Open connections of clients on a node.", by: ["node"])
  static let nodePriority = Metric.gauge(
    "pair_node_priority", "The effective priority of a node.", by: ["node", "router"])
  static let nodeState = Metric.gauge(
    "pair_node_state", "1 for the state of a virtual router on a node, 0 for the others.",
    by: ["node", "router", "state"])
  static let nodeServers = Metric.gauge(
    "pair_node_servers", "Servers of a service on a node.", by: ["node", "service"])
  static let nodeReached = Metric.gauge(
    "pair_node_servers_reached", "Servers of a service that a node reaches.", by: ["node", "service"])
  static let differences = Metric.gauge(
    "pair_differences", "What differs between this node and another one.", by: ["node", "subject"])

  static let pairReceived = Metric.counter(
    "pair_received_bytes", "Bytes of messages received from the other nodes, inside TLS.")
  static let pairSent = Metric.counter("pair_sent_bytes", "Bytes of messages sent to the other nodes, inside TLS.")

  static let pair: [Metric] = [
    nodeUp, nodeHeard, clockDifference, nodeSessions, nodeConnections, nodePriority, nodeState, nodeServers,
    nodeReached, differences, pairReceived, pairSent,
  ]
}
