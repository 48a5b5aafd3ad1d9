import Wire

func judgeFirewall(_ facts: Facts) -> [Finding] {
  guard !facts.routers.isEmpty else { return [] }
  switch facts.firewall {
  case .unknown(let reason): return [Finding("firewall", "", .unknown, reason)]
  case .found(let text):
    let rules = FirewallRules(text)
    guard rules.dropsByDefault else { return [Finding("firewall", "", .ok, "no chain drops what comes in by default")] }
    if rules.passesVRRP { return [Finding("firewall", "", .ok, "a rule accepts VRRP")] }
    return [
      Finding(
        "firewall", "", .warning, "what comes in is dropped by default, and no rule names protocol 112 (VRRP)",
        fix:
          "firewall-cmd --permanent --add-service=belvedere && firewall-cmd --reload; nftables: ip protocol 112 accept")
    ]
  }
}

/// What the output of `nft list ruleset` says of incoming packets. It follows no jumps: a rule counts wherever it may
/// be reached by them.
struct FirewallRules {
  /// Whether a chain at the hook `input`, or one of firewalld's below it, ends in drop or reject.
  let dropsByDefault: Bool
  /// Whether a rule accepts VRRP by its protocol or its group.
  let passesVRRP: Bool

  init(_ text: String) {
    var (drops, passes) = (false, false)
    var direction = Direction.unknown
    for line in text.split(separator: "\n") {
      let words = Self.words(of: line)
      if words.first == "chain" { direction = Direction(words.dropFirst().first?.lowercased() ?? "") }
      if let hook = words.word(after: "hook") { direction = Direction(hook) }
      if direction == .input, words.contains("policy"), words.contains("drop") { drops = true }
      // A rule without a condition: `drop`, `counter packets 0 bytes 0 drop`, `reject with icmpx admin-prohibited`.
      if direction == .input, ["drop", "reject", "counter"].contains(words.first), !words.contains("accept") {
        drops = drops || words.contains("drop") || words.contains("reject")
      }
      if direction != .other, words.contains("accept"), Self.namesVRRP(words) { passes = true }
    }
    (dropsByDefault, passesVRRP) = (drops, passes)
  }

  /// What a chain is for.
  private enum Direction {
    case input
    /// A chain that others jump to, under a name of its own.
    case unknown
    case other

    /// By the name of a hook, or of a chain.
    init(_ name: String) {
      let others = ["output", "forward", "fwd", "prerouting", "postrouting"]
      self = name.contains("input") ? .input : others.contains(where: name.contains) ? .other : .unknown
    }
  }

  /// Braces are words.
  private static func words(of line: Substring) -> [String] {
    line.replacing("{", with: " { ").replacing("}", with: " } ").split { " \t;,".contains($0) }.map(String.init)
  }

  private static func namesVRRP(_ words: [String]) -> Bool {
    words.indices.contains { index in
      switch words[index] {
      case "protocol", "l4proto", "nexthdr": words.values(after: index).contains { $0 == "vrrp" || $0 == "112" }
      case "daddr": words.values(after: index).contains { $0 == "224.0.0.18" || $0 == "ff02::12" }
      default: false
      }
    }
  }
}

extension [String] {
  /// The word that follows.
  fileprivate func word(after name: String) -> String? {
    firstIndex(of: name).flatMap { $0 + 1 < count ? self[$0 + 1] : nil }
  }

  /// What a condition compares with: one value, or those of a set or a verdict map; none after `!=`.
  fileprivate func values(after index: Int) -> ArraySlice<String> {
    let rest = self[(index + 1)...].drop { $0 == "vmap" || $0 == "==" }
    guard rest.first == "{" else { return rest.prefix(1) }
    return rest.dropFirst().prefix { $0 != "}" }
  }
}
