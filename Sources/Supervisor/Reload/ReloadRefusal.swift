/// Why a configuration was not taken over. The one before goes on serving.
package struct ReloadRefusal: Error {
  /// For the log, a line a problem.
  package let lines: [String]
  /// For an operator: the same as `belvedere check` prints it, where it is in the file.
  package let reasons: [String]

  /// The reasons are the lines when none are given.
  package init(_ lines: [String], reasons: [String]? = nil) {
    self.lines = lines
    self.reasons = reasons ?? lines
  }
}
