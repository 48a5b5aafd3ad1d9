import Configuration
import Linux

/// The mail about a virtual router's role change (RFC 5322), for sendmail's standard input.
struct RouterMail {
  /// sendmail's arguments: a line with one dot does not end the message; then sender and recipients.
  let arguments: [String]
  let text: String

  init(
    _ mail: Configuration.VirtualRouter.Mail, interface: String, _ notice: ChangeNotice,
    host: String = CurrentProcess.hostName()
  ) {
    arguments = ["-i"] + (mail.from.map { ["-f", $0] } ?? []) + ["--"] + mail.to
    let from = mail.from.map { "From: Belvedere <\($0)>\n" } ?? ""
    text = """
      \(from)To: \(mail.to.joined(separator: ", "))
      Subject: \(host): \(notice.router) is \(notice.to), was \(notice.from)
      Auto-Submitted: auto-generated

      \(notice.router) on \(interface) of \(host) is \(notice).

      journalctl -u belvedere -g vrrp    tells more.

      """
  }
}
