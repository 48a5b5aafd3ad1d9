/// Rewords libyaml's syntax errors for administrators.
enum SyntaxError {
  static func explain(_ failure: YAMLParser.Failure, in source: SourceText) -> Diagnostic {
    let place = pointsAtBeginning.contains(failure.problem) ? failure.contextPlace : failure.place
    let line = source.line(place.line + 1) ?? ""
    let explanation = explain(failure, at: line.unicodeScalars.dropFirst(place.column).first, in: line)
    let mark = Mark(line: place.line + 1, column: place.column + 1, length: 1)
    return Diagnostic(
      .error, file: source.file, place: source.place(of: mark), message: explanation.message,
      suggestion: explanation.suggestion)
  }

  /// Errors that libyaml detects after the position of the mistake: the beginning is reported.
  private static let pointsAtBeginning: Set<String> = ["could not find expected ':'", "found unexpected end of stream"]

  private static func explain(
    _ failure: YAMLParser.Failure, at character: Unicode.Scalar?, in line: String
  ) -> (message: String, suggestion: String?) {
    let begun = "that began in line \(failure.contextPlace.line + 1)"
    let hasBrackets = line.contains("]:") || line.contains("[:")
    let brackets = hasBrackets ? "An IPv6 address with a port needs quotes: \"[::]:443\"." : nil
    switch failure.problem {
    case "could not find expected ':'":
      return ("a key without a colon", "Write `key: value`, with a space after the colon.")
    case "found unexpected end of stream":
      return ("these quotes are never closed", nil)
    case "mapping values are not allowed in this context":
      return ("a `:` where no key can stand", "Check the indentation, or put the value in quotes.")
    case "found character that cannot start any token" where character == "\t":
      return ("a tab where YAML requires spaces", "Indent with spaces.")
    case "found character that cannot start any token":
      return ("a value cannot begin with this character", "Put the value in quotes.")
    case "did not find expected alphabetic or numeric character":
      return ("a value cannot begin with `*` or `&`", "Put the value in quotes: \"*:443\".")
    case "did not find expected ',' or ']'":
      return ("the list \(begun) needs `,` or `]` here", brackets)
    case "did not find expected ',' or '}'":
      return ("the mapping \(begun) needs `,` or `}` here", nil)
    case "did not find expected node content":
      return ("expected a value", brackets ?? "Put the value in quotes.")
    case "did not find expected key":
      let advice = brackets ?? "Check the indentation, or put the value in quotes."
      return ("expected a key of the mapping \(begun)", advice)
    case "did not find expected '-' indicator":
      return ("expected an item (`- `) of the list \(begun)", "Check the indentation.")
    default:
      return (failure.context.map { "\(failure.problem) \($0)" } ?? failure.problem, nil)
    }
  }
}
