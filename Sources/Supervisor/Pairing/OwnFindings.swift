import Configuration
import Control
import Domain
import Pair
import VRRP

/// What is wrong on this node as far as the supervisor knows without looking, for `belvedere doctor` on the other one. It
/// runs no program, reads no file and waits for nothing on another node's behalf: a node says this of itself whenever it
/// changes.
extension Supervision {
  var ownFindings: [NodeFinding] {
    var found: [NodeFinding] = []
    if let refusal = active.refusal {
      found.append(.init("configuration", isFault: true, "the last reload was refused: \(refusal)"))
    }
    found += active.plan.warnings.map {
      .init("configuration", isFault: false, $0.firstLine.replacing("warning: ", with: "", maxReplacements: 1))
    }
    found += failover.findings
    let others = status.otherCertificates
    if !others.isEmpty {
      let names = others.prefix(3).joined(separator: ", ") + (others.count > 3 ? " and \(others.count - 3) more" : "")
      found.append(.init("thumbprint", isFault: false, "clients are shown another certificate than that of \(names)"))
    }
    return found
  }
}

extension VirtualRouters {
  /// What keeps a virtual router from its work.
  var findings: [NodeFinding] {
    instances.indices.flatMap { index -> [NodeFinding] in
      let router = routerSet.routers[index]
      let name = instances[index].plan.router.name
      var found = router.faults.map { NodeFinding("virtual router", name, isFault: true, $0) }
      if let other = router.duplicateActive {
        found.append(.init("router id", name, isFault: true, "\(other) is Active as well"))
      }
      if let peer = router.unheardPeer {
        found.append(.init("firewall", name, isFault: true, "no advertisements pass between it and \(peer)"))
      }
      return found
    }
  }
}

extension String {
  /// A problem of the configuration without the lines of the file that it quotes.
  fileprivate var firstLine: String { String(prefix { !$0.isNewline }) }
}
