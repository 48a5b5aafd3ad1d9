import Attempts
import Configuration
import Glibc
import Linux
import Worker

// trespass paired|confined|free CONFIGURATION ATTEMPT ARGUMENT
//
// Tries what a worker must not do: confined as for this configuration, with or without a pair, or unconfined.
// Exits with 0 on success and with the errno on failure. For tests only; no package contains it.

let arguments = CommandLine.arguments
guard arguments.count == 5 else { exit(255) }
if arguments[1] != "free" {
  do {
    let text = try File.contents(of: arguments[2], limit: 1 << 20)
    _ = try Confinement.enter(
      naming: Configuration.load(bytes: text, fileName: arguments[2], hostName: "lb1").files,
      isPaired: arguments[1] == "paired")
  } catch {
    StandardStream.error.write("\(error)\n")
    exit(254)
  }
}
// SAFETY: both strings live until after the call.
exit(unsafe trespass_attempt(arguments[3], arguments[4]))
