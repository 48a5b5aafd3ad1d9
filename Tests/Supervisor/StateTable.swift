import Linux

@testable import Supervisor

/// Every state crossed with every event, as text that was reviewed once and is compared by a test. Pairs without any
/// effect are omitted.
func stateTable<Machine, Event>(
  _ beginnings: [(name: String, machine: Machine)], _ events: [(name: String, event: Event)],
  state: (Machine) -> String, handle: (inout Machine, Event) -> [String]
) -> String {
  var lines: [String] = []
  for beginning in beginnings {
    for (name, event) in events {
      var machine = beginning.machine
      let before = state(machine)
      let effects = handle(&machine, event)
      let after = state(machine)
      if after == before, effects.isEmpty { continue }
      lines.append(
        "\(beginning.name) | \(name) → \(after == before ? "same" : after)"
          + (effects.isEmpty ? "" : ": " + effects.joined(separator: ", ")))
    }
  }
  return lines.joined(separator: "\n")
}

extension OperatorSocket.Requester {
  /// A, B, C, …
  static func named(_ name: Character) -> Self {
    Self(key: SlabKey(index: UInt32(name.asciiValue ?? 0), generation: 1))
  }

  var name: String { String(UnicodeScalar(UInt8(truncatingIfNeeded: key.index))) }
}

extension [OperatorSocket.Requester] {
  var names: String { isEmpty ? "no client" : map(\.name).joined() }
}
