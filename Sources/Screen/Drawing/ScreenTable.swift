import Control
import Wire

/// A table that leaves out its less important columns where there is no room for them.
struct ScreenTable {
  struct Column {
    let head: String
    /// Its cells; each is one piece of text in its colour.
    let cells: [(text: String, mood: PageLine.Mood)]
    /// Columns with a lower number are kept longer; those with 0 are always there.
    let importance: Int
    let isNumber: Bool
    /// The width that it may be cut to; nil: it is shown in full or not at all.
    let least: Int?

    /// A column in plain text.
    init(_ head: String, _ cells: [String], importance: Int, isNumber: Bool = false, least: Int? = nil) {
      self.init(head, cells.map { ($0, .plain) }, importance: importance, isNumber: isNumber, least: least)
    }

    init(
      _ head: String, _ cells: [(text: String, mood: PageLine.Mood)], importance: Int, isNumber: Bool = false,
      least: Int? = nil
    ) {
      self.head = head
      // Before it is measured.
      self.cells = cells.map { ($0.text.escapingControls(), $0.mood) }
      (self.importance, self.isNumber, self.least) = (importance, isNumber, least)
    }

    var width: Int { cells.reduce(head.count) { max($0, $1.text.count) } }
  }

  private static let gap = 2

  private let columns: [(column: Column, width: Int)]
  private let rowCount: Int

  /// Chooses the columns for a width. Those without text in any row are left out.
  init(_ columns: [Column], width: Int) {
    rowCount = columns.map(\.cells.count).max() ?? 0
    var left = width + Self.gap
    var widths: [Int: Int] = [:]
    let candidates = columns.indices.filter { index in columns[index].cells.contains { !$0.text.isEmpty } }
    for index in candidates.sorted(by: { (columns[$0].importance, $0) < (columns[$1].importance, $1) }) {
      let column = columns[index]
      let wanted = min(column.width, column.least ?? .max)
      guard column.importance == 0 || wanted + Self.gap <= left else { continue }
      widths[index] = wanted
      left -= wanted + Self.gap
    }
    for index in candidates where columns[index].least != nil {
      guard let given = widths[index], left > 0 else { continue }
      widths[index] = min(columns[index].width, given + left)
      left -= (widths[index] ?? given) - given
    }
    self.columns = columns.indices.compactMap { index in widths[index].map { (columns[index], $0) } }
  }

  /// Whether the column is shown in full.
  func shows(_ head: String) -> Bool { columns.contains { $0.column.head == head && $0.width == $0.column.width } }

  /// The heading and the rows; `details` go below each.
  func lines(details: (Int) -> [PageLine] = { _ in [] }) -> [PageLine] {
    [row { ($0.head, .bold) }] + (0..<rowCount).flatMap { index in [row { $0.cells[index] }] + details(index) }
  }

  private func row(_ cell: (Column) -> (text: String, mood: PageLine.Mood)) -> PageLine {
    var line = PageLine("")
    // Spaces that a following cell needs before it.
    var spaces = 0
    for (column, width) in columns {
      let (text, mood) = cell(column)
      let shown = StatusText.shortened(text, width)
      let padding = width - shown.count
      if !shown.isEmpty {
        line.append(String(repeating: " ", count: spaces + (column.isNumber ? padding : 0)))
        line.append(shown, mood)
        spaces = column.isNumber ? 0 : padding
      } else {
        spaces += width
      }
      spaces += Self.gap
    }
    return line
  }
}
