import Attempts
import Configuration
import Glibc
import Linux
import Worker

// trespass paired|confined|free CONFIGURATION ATTEMPT ARGUMENT
//
// Tries what a worker must not do, as a worker that is confined for this configuration, with or without a pair, or as
// nobody in particular, and ends with 0 when it worked and with the errno when it did not. A program of the tests alone; no package has it.

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
