/// Why a configuration was rejected. The previous one stays active.
package struct ReloadRefusal: Error {
  /// For the log, one line per problem.
  package let lines: [String]
  /// For the operator, as `belvedere check` prints it, with the position in the file.
  package let reasons: [String]

  /// Without `reasons`, they are the same as the lines.
  package init(_ lines: [String], reasons: [String]? = nil) {
    self.lines = lines
    self.reasons = reasons ?? lines
  }
}
