/// By what the clients of a table are known. The raw value is used between nodes.
public enum AffinityKind: UInt8, CaseIterable, Sendable {
  case addresses = 1
  case cookies = 2
  case tunnels = 3
}
