/// A family of samples with one name, as docs/metrics.md lists it. Names follow Prometheus's conventions: base units,
/// `_total` at the end of a counter's name.
package struct Metric: Hashable, Sendable {
  /// The type in the exposition formats.
  package enum Kind: String, Sendable {
    case gauge, counter, histogram
  }

  /// The name without a counter's suffix.
  let base: String
  package let kind: Kind
  /// The names of its labels, in the order of the values.
  package let labels: [String]
  /// One line of plain text.
  package let help: String

  /// The name of its samples; those of a histogram have `_bucket`, `_sum` and `_count` after it.
  package var name: String { kind == .counter ? base + "_total" : base }

  static func histogram(_ base: String, _ help: String, by labels: [String] = []) -> Metric {
    Metric(base, .histogram, help, labels)
  }

  private init(_ base: String, _ kind: Kind, _ help: String, _ labels: [String]) {
    self.base = "belvedere_" + base
    self.kind = kind
    self.labels = labels
    self.help = help
  }

  static func gauge(_ base: String, _ help: String, by labels: [String] = []) -> Metric {
    Metric(base, .gauge, help, labels)
  }

  static func counter(_ base: String, _ help: String, by labels: [String] = []) -> Metric {
    Metric(base, .counter, help, labels)
  }
}
