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

/// What the output of `nft list ruleset` says of incoming packets. It follows no jumps: a rule counts wherever it is.
struct FirewallRules {
  /// Whether a chain at the hook `input`, or one of firewalld's below it, ends in drop or reject.
  let dropsByDefault: Bool
  /// Whether a rule accepts VRRP by its protocol or its group.
  let passesVRRP: Bool

  init(_ text: String) {
    var (drops, passes, isInput) = (false, false, false)
    for line in text.split(separator: "\n") {
      let words = line.split { " \t;".contains($0) }.map(String.init)
      if words.first == "chain" { isInput = words.dropFirst().first?.lowercased().contains("input") == true }
      if words.contains("hook") { isInput = words.contains("input") }
      if isInput, words.contains("policy"), words.contains("drop") { drops = true }
      // A rule without a condition: `drop`, `counter packets 0 bytes 0 drop`, `reject with icmpx admin-prohibited`.
      if isInput, ["drop", "reject", "counter"].contains(words.first), !words.contains("accept") {
        drops = drops || words.contains("drop") || words.contains("reject")
      }
      let namesVRRP =
        ["vrrp", "224.0.0.18", "ff02::12"].contains { words.contains($0) }
        || ["protocol", "l4proto", "nexthdr"].contains { words.word(after: $0) == "112" }
      if namesVRRP, words.contains("accept") { passes = true }
    }
    (dropsByDefault, passesVRRP) = (drops, passes)
  }
}

extension [String] {
  /// The word that follows.
  fileprivate func word(after name: String) -> String? {
    firstIndex(of: name).flatMap { $0 + 1 < count ? self[$0 + 1] : nil }
  }
}
