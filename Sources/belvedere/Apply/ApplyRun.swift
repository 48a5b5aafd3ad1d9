import Apply
import Configuration
import Linux
import TLS
import Wire

/// `belvedere apply` at work: performs what `RequesterStateMachine` decides, and prints what happens.
struct ApplyRun: ~Copyable {
  private let source: ApplySource
  private let text: [UInt8]
  private let proposal: ApplyProposal
  /// The other nodes, with the names and addresses in `pair.nodes`. This node comes after them.
  private let others: [(node: RemoteNode, address: IPAddress)]
  private let ownName: String
  private let isInPair: Bool
  private var own: ConfigurationChange
  private var machine: RequesterStateMachine
  /// The warnings that were printed: a node has the same ones at each step.
  private var warned: Set<String> = []

  /// Reads the files. `key`: nil to change this node only. `isTrial`: nothing is to be changed.
  init(_ source: ApplySource, _ service: ControlSocket, _ key: ApplyKeyFile?, isTrial: Bool) throws {
    let text = try source.text()
    let loaded = source.load(text, hostName: CurrentProcess.hostName())
    guard let configuration = loaded.configuration else {
      throw ApplySource.Fault(loaded.diagnostics.map(\.rendered).joined(separator: "\n"))
    }
    let (proposal, left) = try source.read(text, loaded)
    var others: [(RemoteNode, IPAddress)] = []
    if let key {
      guard let pair = configuration.pair else {
        throw ApplySource.Fault("the configuration has no `pair`: --here applies it to this node only")
      }
      // A stream to one node at a time.
      guard pair.others.count == 1 else {
        throw ApplySource.Fault(
          "the pair has \(pair.nodes.count) nodes, and `apply` is for two: --here applies it to this node only")
      }
      let secret = try key.read()
      let change = try RandomBytes.makeWord()
      others = pair.others.map { (RemoteNode($0.name, service, key: secret, change: change), $0.address) }
      for path in left { Self.warn("\(path) is not below the configuration's folder, and is not sent") }
    }
    self.source = source
    self.text = text
    self.proposal = proposal
    self.others = others
    isInPair = configuration.pair != nil
    ownName = configuration.pair?.node ?? CurrentProcess.hostName()
    own = ConfigurationChange(of: source.target, service)
    machine = RequesterStateMachine(nodes: others.count + 1, isTrial: isTrial)
  }

  /// Returns why it failed; empty if it did not. A signal ends it, with the old files put back.
  mutating func perform(_ signals: borrowing SignalReader) -> [String] {
    var effect = machine.handle(.start)
    while true {
      let event: RequesterStateMachine.Event
      switch effect {
      case .check(let index):
        event = check(index)
        report(event, of: index)
      case .ask(let index, let request):
        event = ask(request, of: index)
        report(event, of: index)
      case .probe(let index): event = .probed(failure: probe(index))
      case .finish(let outcome): return finish(outcome)
      }
      if signals.next() != nil { machine.interrupt() }
      effect = machine.handle(event)
    }
  }

  private func name(_ index: Int) -> String { index < others.count ? others[index].node.name : ownName }

  private var names: String { (0...others.count).map { name($0) }.joined(separator: ", ") }

  // MARK: Effects

  private mutating func check(_ index: Int) -> RequesterStateMachine.Event {
    if index < others.count { return others[index].node.check(proposal) }
    return .answer(own.check(proposal, node: isInPair ? ownName : nil))
  }

  private mutating func ask(_ request: ApplyRequest, of index: Int) -> RequesterStateMachine.Event {
    if index < others.count { return others[index].node.ask(request) }
    switch request {
    case .takeOver: return .answer(own.takeOver())
    case .putBack: return .answer(own.putBack())
    case .confirm:
      own.keep()
      return .answer(.confirmed)
    case .begin, .configuration, .file, .check, .hold: return .answer(.ready)
    }
  }

  /// Asks the node's own listeners, and returns why one does not serve; nil if all do.
  private func probe(_ index: Int) -> String? {
    let address = index < others.count ? others[index].address : nil
    // Listeners may differ by node.
    let loaded = source.load(text, hostName: index < others.count ? name(index) : CurrentProcess.hostName())
    guard let configuration = loaded.configuration else { return nil }
    let (probes, skipped) = ServingProbe.all(of: configuration, at: address, own.certificates)
    for service in skipped {
      Self.warn(
        "\(name(index)) is not asked for \(service.canonicalName): no listener at its own address takes TLS only")
    }
    for probe in probes {
      if let failure = probe.failure() { return failure }
      StandardStream.output.write("\(name(index)): serves at \(probe.endpoint)\n")
    }
    return nil
  }

  // MARK: Reports

  private mutating func report(_ event: RequesterStateMachine.Event, of index: Int) {
    guard case .answer(let answer) = event else { return }
    let (line, warnings): (String, [String]) =
      switch answer {
      case .checked(_, let warnings): ("the configuration is in order", warnings)
      case .tookOver(let number, let warnings): ("configuration \(number) is in use", warnings)
      case .restored: ("the former files are in use again", [])
      case .ready, .confirmed, .refused: ("", [])
      }
    for warning in warnings.map({ "\(name(index)): \($0)\n" }) where warned.insert(warning).inserted {
      StandardStream.error.write(warning)
    }
    if !line.isEmpty { StandardStream.output.write("\(name(index)): \(line)\n") }
  }

  private func finish(_ outcome: RequesterStateMachine.Outcome) -> [String] {
    switch outcome {
    case .checked:
      StandardStream.output.write("nothing was changed\n")
      return []
    case .applied:
      StandardStream.output.write("the configuration is in use on \(names)\n")
      return []
    case .refused(let failures):
      let isOwn = failures.allSatisfy { $0.node == others.count }
      let advice = isOwn || others.isEmpty ? "" : "; --here applies it to this node only"
      return lines(failures) + ["nothing was changed" + advice]
    case .failed(let failure, let unrestored):
      let end = unrestored.isEmpty ? ["the former configuration is in use"] : []
      return lines([failure]) + lines(unrestored, prefix: "not put back: ") + end
    case .unconfirmed(let failures):
      return lines(failures, prefix: "did not confirm: ")
        + ["the others use the new configuration: see `belvedere status` there, and apply it again"]
    }
  }

  private func lines(_ failures: [RequesterStateMachine.Failure], prefix: String = "") -> [String] {
    failures.flatMap { failure in failure.reasons.map { "\(name(failure.node)): \(prefix)\($0)" } }
  }

  private static func warn(_ text: String) { StandardStream.error.write("warning: \(text)\n") }
}
