/// What a property found wrong; the input that shows it is known to whoever asked.
package struct Violation: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Violation) {
  guard condition else { throw Violation(what()) }
}

/// The value, or a violation.
func require<Value>(_ value: Value?, _ what: @autoclosure () -> String) throws(Violation) -> Value {
  guard let value else { throw Violation(what()) }
  return value
}
