import Domain

/// Samples as text for Prometheus.
package struct Exposition {
  /// The text format.
  package enum Format: Sendable, CaseIterable {
    /// Prometheus text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    /// The value of Content-Type.
    package var mediaType: String {
      switch self {
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  /// The samples of each metric, one line each, in the order in which they were added.
  private var lines: [Metric: String] = [:]

  /// No samples.
  package init() {}

  /// Adds a sample; `labels` are the values of the metric's labels.
  mutating func add(_ metric: Metric, _ value: UInt64, _ labels: [String] = []) { add(metric, "\(value)", labels) }

  /// Adds a sample with a fraction. `value` is finite.
  mutating func add(_ metric: Metric, _ value: Double, _ labels: [String] = []) { add(metric, "\(value)", labels) }

  /// Adds one sample for each of `states`: 1 for the present one, 0 for others. The state is the last label.
  mutating func add(_ metric: Metric, _ labels: [String] = [], state: String, of states: [String]) {
    for other in states { add(metric, other == state ? "1" : "0", labels + [other]) }
  }

  /// Adds a histogram, in seconds.
  mutating func add(_ metric: Metric, _ histogram: DurationHistogram, _ labels: [String]) {
    var count: UInt64 = 0
    for index in histogram.buckets.indices {
      count &+= histogram.buckets[index]
      let bound = index < DurationHistogram.bounds.count ? "\(DurationHistogram.bounds[index] / 1000)" : "+Inf"
      add(metric, "\(count)", labels, part: "_bucket", bound: bound)
    }
    add(metric, "\(Double(histogram.microseconds) / 1_000_000)", labels, part: "_sum")
    add(metric, "\(count)", labels, part: "_count")
  }

  /// `part`: which sample of a histogram; `bound`: the upper one of its bucket.
  private mutating func add(
    _ metric: Metric, _ value: String, _ labels: [String], part: String = "", bound: String? = nil
  ) {
    precondition(labels.count == metric.labels.count, "\(metric.name) has other labels")
    var pairs = zip(metric.labels, labels).map { "\($0)=\"\(Self.escaped($1))\"" }
    if let bound { pairs.append("le=\"\(bound)\"") }
    let list = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    lines[metric, default: ""] += "\(metric.name)\(part)\(list) \(value)\n"
  }

  /// Both formats escape these three in a label's value.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// The metrics that have samples, in the order of `Metrics.all`.
  package var metrics: [Metric] { Metrics.all.filter { lines[$0] != nil } }

  /// The whole text in one format.
  package func text(_ format: Format) -> String {
    var text = ""
    for metric in metrics {
      // OpenMetrics names the family of a counter without the suffix of its samples.
      let family = format == .openMetrics ? metric.base : metric.name
      text += "# HELP \(family) \(metric.help)\n# TYPE \(family) \(metric.kind.rawValue)\n"
      text += lines[metric] ?? ""
    }
    return format == .openMetrics ? text + "# EOF\n" : text
  }
}
