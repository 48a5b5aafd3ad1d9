/// The characters of a plot.
package enum PlotStyle: Sendable {
  case blocks
  /// For terminals without Unicode.
  case ascii

  private var levels: [Character] {
    switch self {
    case .blocks: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    case .ascii: [".", ":", "-", "=", "+", "*", "%", "#"]
    }
  }

  /// The last `width` values in as many characters, from 0 to the highest of them. Spaces where a value is not known,
  /// and before the first one.
  func plot(_ values: [Double?], width: Int) -> String {
    let shown = values.suffix(max(0, width))
    let highest = shown.compactMap(\.self).filter(\.isFinite).max() ?? 0
    let characters = shown.map { value -> Character in
      guard let value, value.isFinite, value >= 0 else { return " " }
      guard highest > 0, value > 0 else { return levels[0] }
      return levels[min(levels.count - 1, Int(value / highest * Double(levels.count)))]
    }
    return String(repeating: " ", count: max(0, width - characters.count)) + String(characters)
  }
}
