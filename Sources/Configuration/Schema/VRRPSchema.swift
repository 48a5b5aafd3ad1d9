import Domain
import Wire

/// The settings of a pair: the virtual routers.
extension Schema {
  static let virtualRouter = Section<Configuration.VirtualRouter>(
    name: "vrrp",
    keys: [
      Key(
        "interface", \.interface, .byHost(.interface), required: true, example: "eth0",
        "The interface of the virtual address."),
      Key(
        "router", \.settings.identifier, .number(1...255), required: true, example: "51",
        "The VRID: the same on both nodes, and unique in the network."),
      Key(
        "priority", \.settings.priority, .byHost(.number(1...255)), required: true, example: "{ lb1: 101, lb2: 100 }",
        """
        The node with the higher priority has the address. 255: this node owns the address and has it whenever it \
        runs.
        """),
      Key(
        "address", \.settings.addresses, .oneOrMore(.virtualAddress), required: true, example: "192.168.1.170/24",
        "The virtual address with the prefix length of its network. IPv4 and IPv6 need a virtual router each."),
      Key(
        "name", \.name, .routerName, default: "`router-VRID`", example: "view-v6",
        "The virtual router's name in log, status and hooks."),
      Key(
        "version", \.settings.version, .word, example: "2",
        "Version of the protocol, the same on both nodes. Version 2 supports IPv4 only."),
      Key(
        "interval", \.settings.interval, .duration(.milliseconds(10)...(.milliseconds(40_950))), example: "100ms",
        """
        Time between advertisements, in hundredths of a second; in version 2 in whole seconds. The Backup takes over \
        after three to four intervals without an advertisement.
        """),
      Key(
        "preempt", \.settings.preempts, .flag, example: "false",
        "Whether the node with the higher priority takes over from a working Active."),
      Key(
        "preempt-delay", \.settings.preemptDelay, .duration(.zero...(.hours(1))), example: "5m",
        "A recovering node does not preempt a lower-priority Active for this long."),
      Key(
        "accept", \.accepts, .flag, example: "true",
        "VRRP's Accept_Mode. Always `true`, because clients connect to the address."),
      Key(
        "group", \.group, .optional(.routerName), default: "none", example: "view",
        "Virtual routers of one group are always Active on the same node."),
      Key(
        "source", \.source, .optional(.byHost(.nodeAddress)), default: "the interface's first, link-local for IPv6",
        example: "{ lb1: 192.168.1.162, lb2: 192.168.1.163 }", "The source address of this node's advertisements."),
      Key(
        "peers", \.settings.peers, .either("multicast", or: .byHost(.oneOrMore(.nodeAddress))),
        example: "[192.168.1.162, 192.168.1.163]",
        """
        The nodes' addresses, for unicast instead of multicast. This node's own address is ignored, so both nodes can \
        have the same list.
        """),
      Key(
        "checksum", \.settings.checksum, .word, example: "pseudo-header",
        """
        Checksum in version 3 over IPv4: of the message alone (RFC 9568), or with a pseudo-header, as in keepalived \
        2.2 and some routers. The log reports a peer with the other one.
        """),
      Key(
        "authentication", \.authentication, .either("off", or: .section(authentication)),
        example: "{ keys: { 1: /etc/belvedere/vrrp.key } }", "Authentication of advertisements."),
      Key(
        "track", \.tracks, .oneOrMore(.track), default: "none", example: "{ interface: eth1, weight: -50 }",
        """
        Conditions for the priority, in addition to the worker, the servers and `interface`, which are always \
        tracked.
        """),
      Key(
        "notify", \.hooks, .oneOrMore(.path(.hook)), default: "none", example: "/usr/local/sbin/view-moved",
        """
        Programs that are run at every change of state, with keepalived's arguments: `INSTANCE NAME \
        MASTER|BACKUP|FAULT|STOP PRIORITY`.
        """
      ),
      Key(
        "mail", \.mail, .either("off", or: .section(mail)), example: "{ to: root }",
        "Mail at every change of state, through the system's sendmail."),
    ])

  static let authentication = Section<Configuration.VirtualRouter.Authentication>(
    name: "vrrp.authentication",
    keys: [
      Key(
        "password", \.password, .optional(.simpleText), default: "none", example: "pair51",
        """
        Version 2: keepalived's `auth_type PASS`, at most eight bytes. It is sent in the clear and protects against \
        mistakes, not against an attacker.
        """),
      Key(
        "keys", \.keys, .authenticationKeys, default: "none", example: "{ 1: /etc/belvedere/vrrp.key }",
        """
        Keys by number (1 to 255): a file with 64 to 128 hexadecimal digits (`openssl rand -hex 32`), or \
        `credential:NAME` of systemd. The first signs, all verify. In keepalived 2.4: `auth_hmac`.
        """),
      Key(
        "mode", \.mode, .word, example: "permissive",
        """
        `enforce`: advertisements are signed, and unsigned ones are rejected. To introduce keys node by node: \
        `receive-only` sends unsigned and verifies signed ones, `permissive` signs and accepts unsigned ones.
        """),
      Key(
        "window", \.window, .either("off", or: .duration(.seconds(1)...(.hours(1)))), example: "5s",
        """
        Maximum difference of the nodes' clocks. Without it, an advertisement cannot be replayed to a node that has \
        received a later one. With it, it cannot be replayed to a node that has just started either; but if the \
        clocks differ more, both nodes take the address.
        """),
    ])

  static let track = Section<WrittenTrack>(
    name: "vrrp.track",
    keys: [
      Key(
        "interface", \.interface, .optional(.interface), default: WrittenTrack.oneSubject, example: "eth1",
        "An interface that must be up and have a carrier."),
      Key(
        "script", \.script, .optional(.path(.hook)), default: WrittenTrack.oneSubject, example: "/etc/belvedere/check",
        "A program that must exit with status 0. It is run without arguments."),
      Key(
        "fewer-servers", \.fewerServers, .optional(.number(1...1024)), default: WrittenTrack.oneSubject,
        example: "1",
        """
        No other node of the [pair](#pair) may reach this many more servers of a service for long, if it does not \
        reach fewer of any service ([pair.md](pair.md#which-node-is-active)). Needs a negative `weight`.
        """),
      Key(
        "weight", \.weight, .either("give-up", or: .trackWeight), example: "-50",
        """
        `give-up`: the node takes no part while the condition fails. -253 to -1: added to the priority while it \
        fails. 1 to 253: added while it holds.
        """),
      Key(
        "recovery", \.recovery, .optional(.duration(.zero...(.hours(1)))),
        default: "`2s`, with `fewer-servers` `10s`", example: "20s",
        "How long the condition must hold again before it counts."),
      Key(
        "interval", \.interval, .duration(.milliseconds(100)...(.hours(1))), example: "2s",
        "Time from one run of the script to the next."),
      Key(
        "timeout", \.timeout, .duration(.milliseconds(100)...(.hours(1))), example: "1s",
        "A script that runs longer is killed and counts as failed."),
      Key(
        "fall", \.fall, .number(1...100), example: "3",
        "Number of consecutive failures after which the condition fails."),
    ])

  static let mail = Section<Configuration.VirtualRouter.Mail>(
    name: "vrrp.mail",
    keys: [
      Key("to", \.to, .oneOrMore(.mailAddress), required: true, example: "admins@domain.local", "Recipients."),
      Key(
        "from", \.from, .optional(.mailAddress), default: "as the mail system has it", example: "lb1@domain.local",
        "The sender's address."),
    ])
}

extension Configuration.VirtualRouter: Defaulted {
  static let defaults = Configuration.VirtualRouter(
    interface: "", settings: VirtualRouterSettings(identifier: 1, priority: 1, addresses: []))
}

extension Configuration.VirtualRouter.Authentication: DefaultInitialized {}
extension Configuration.VirtualRouter.Mail: DefaultInitialized {}

/// The mapping form of a tracked condition: one of three subjects.
struct WrittenTrack: DefaultInitialized {
  /// For the reference page.
  static let oneSubject = "`interface`, `script` or `fewer-servers` is required"

  var interface: String?
  var script: String?
  var fewerServers: Int?
  var weight: Int?
  var recovery: Interval?
  var interval = Interval.seconds(5)
  var timeout = Interval.seconds(5)
  var fall = 2
}
