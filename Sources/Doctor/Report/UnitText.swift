/// What `systemctl cat` and `systemctl show` print of a unit.
package enum UnitText {
  /// Settings with values that may be secrets: `SetCredential=`, `SetCredentialEncrypted=`, and the like.
  private static let settings = [
    "Environment", "SetCredential", "SetCredentialEncrypted", "StandardInputText", "StandardInputData",
  ]

  /// The text without the values of such settings, and without comments but those that name the unit's files.
  package static func withoutSecrets(_ text: String) -> String {
    var kept: [Substring] = []
    // Of a setting's value: the line before ended in a backslash.
    var isContinued = false
    var isRemoved = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let start = line.drop { $0 == " " || $0 == "\t" }
      if start.hasPrefix("#") || start.hasPrefix(";") {
        // Inside a value, systemd skips comments.
        if line.hasPrefix("# /"), !line.dropFirst(2).contains(" "), !isContinued { kept.append(line) }
        continue
      }
      let setting = start.prefix { $0 != "=" && !$0.isWhitespace }
      let isSetting = !isContinued && start.dropFirst(setting.count).drop { $0 == " " || $0 == "\t" }.hasPrefix("=")
      if isSetting {
        isRemoved = settings.contains { $0 == setting }
        kept.append(isRemoved ? setting + "=[removed]" : line)
      } else {
        // Another line of the value, which `show` does not mark.
        if !isContinued, start.isEmpty || start.hasPrefix("[") { isRemoved = false }
        if !isRemoved { kept.append(line) }
      }
      isContinued = line.hasSuffix("\\")
    }
    return kept.joined(separator: "\n")
  }
}
