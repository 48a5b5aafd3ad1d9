/// One line of the table of checks.
package struct Check: Sendable {
  /// Its name in findings and in docs/doctor.md.
  package let name: String
  /// The question that it answers.
  package let question: String
  /// Where its facts come from.
  package let source: String
  /// The findings of the facts; pure.
  let judge: @Sendable (Facts) -> [Finding]

  /// All checks, in the order of the report.
  package static let all: [Check] = [
    Check(
      name: "configuration", question: "Is the configuration accepted?", source: "as `belvedere check`",
      judge: judgeConfiguration),
    Check(
      name: "files", question: "Can the service's user use the files that it names?",
      source: "`belvedere check` as that user", judge: judgeFiles),
    Check(
      name: "certificate", question: "Until when are the certificates for clients valid?", source: "their files",
      judge: judgeCertificates),
    Check(
      name: "server", question: "Does each server answer its health check?",
      source: "one request as the worker sends it",
      judge: judgeServers),
    Check(
      name: "thumbprint", question: "Do the servers have the certificate that clients are shown?",
      source: "the TLS handshake with each server", judge: judgeThumbprints),
    Check(
      name: "host", question: "Do the servers accept Host and Origin as clients send them?",
      source: "a request for each name, without and with Origin", judge: judgeHosts),
    Check(
      name: "clock", question: "Do the servers' clocks agree with this one?", source: "the Date field of their answers",
      judge: judgeClocks),
    Check(
      name: "interface", question: "Are the interfaces of virtual routers there and up?",
      source: "the kernel (netlink)",
      judge: judgeInterfaces),
    Check(
      name: "address", question: "Are the virtual addresses usable there?", source: "the kernel (netlink)",
      judge: judgeAddresses),
    Check(
      name: "router id", question: "Does another pair use the same router id?",
      source: "listening for three advertisement intervals", judge: judgeSpeakers),
    Check(
      name: "firewall", question: "Does the firewall pass VRRP (protocol 112)?", source: "`nft list ruleset`",
      judge: judgeFirewall),
    Check(
      name: "reverse path", question: "Does the kernel drop clients that come by another interface?",
      source: "net.ipv4.conf.*.rp_filter", judge: judgeReversePath),
    Check(
      name: "network manager", question: "Does another program manage the interface?",
      source: "the state files of NetworkManager and systemd-networkd", judge: judgeManagers),
    Check(
      name: "ports", question: "Has another program taken a port?", source: "/proc/net", judge: judgePorts),
    Check(
      name: "limits", question: "Are descriptors, source ports and memory sufficient?",
      source: "the service's limits and the kernel", judge: judgeLimits),
    Check(
      name: "scheduling", question: "Are advertisements sent on time under load?", source: "/proc of the supervisor",
      judge: judgeScheduling),
    Check(
      name: "leftovers", question: "Do keepalived or HAProxy still run, or start at boot?", source: "/proc and systemd",
      judge: judgeLeftovers),
    Check(
      name: "pair", question: "Is the other node there, of the same release, and alike?", source: "`belvedere status`",
      judge: judgePair),
  ]

  /// Judges all facts.
  package static func findings(_ facts: Facts) -> [Finding] { all.flatMap { $0.judge(facts) } }
}
