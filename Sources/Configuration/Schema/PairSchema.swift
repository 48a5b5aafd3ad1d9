import Wire

/// What a pair shares: the virtual routers.
extension Schema {
  static let virtualRouter = Section<Configuration.VirtualRouter>(
    name: "vrrp",
    keys: [
      Key(
        "interface", \.interface, .byHost(.interface), required: true, example: "eth0",
        "The interface that carries the address."),
      Key(
        "router", \.identifier, .number(1...255), required: true, example: "51",
        "The VRID, the same on both nodes, unique in the network."),
      Key(
        "priority", \.priority, .byHost(.number(1...255)), required: true, example: "{ lb1: 101, lb2: 100 }",
        "The node with the higher one holds the address. 255: this node owns it, and holds it whenever it runs."),
      Key(
        "address", \.addresses, .oneOrMore(.virtualAddress), required: true, example: "192.168.1.170/24",
        "The virtual address with its network's prefix length. IPv4 and IPv6 need a virtual router each."),
      Key(
        "name", \.name, .routerName, default: "`router-VRID`", example: "view-v6",
        "What log, status and hooks call it."),
      Key("version", \.version, .word, example: "2", "Of the protocol, the same on both nodes. 2 has IPv4 only."),
      Key(
        "interval", \.interval, .duration(.milliseconds(10)...(.milliseconds(40_950))), example: "100ms",
        """
        From one advertisement to the next, in hundredths of a second; in version 2 whole seconds. A silent node is \
        relieved after three to four of them.
        """),
      Key(
        "preempt", \.preempts, .flag, example: "false",
        "Whether the node with the higher priority takes over from one that works."),
      Key(
        "preempt-delay", \.preemptDelay, .duration(.zero...(.hours(1))), example: "5m",
        "How long a node that comes back leaves the other one alone."),
      Key(
        "accept", \.accepts, .flag, example: "true",
        "VRRP's Accept_Mode. Always `true`: clients connect to the address."),
      Key(
        "group", \.group, .optional(.routerName), default: "none", example: "view",
        "Virtual routers of one group are on the same node: what one becomes all become."),
      Key(
        "source", \.source, .optional(.byHost(.nodeAddress)), default: "the interface's first, link-local for IPv6",
        example: "{ lb1: 192.168.1.162, lb2: 192.168.1.163 }", "This node's address that advertisements come from."),
      Key(
        "peers", \.peers, .either("multicast", or: .byHost(.oneOrMore(.nodeAddress))),
        example: "[192.168.1.162, 192.168.1.163]",
        "In place of multicast: the nodes' addresses. This node's own may be among them, so that the file serves both."),
      Key(
        "checksum", \.checksum, .word, example: "pseudo-header",
        """
        Of version 3 over IPv4: over the message alone (RFC 9568), or with a pseudo-header, as keepalived 2.2 and some \
        routers have it. The log says when a peer has the other one.
        """),
      Key(
        "authentication", \.authentication, .either("off", or: .section(authentication)),
        example: "{ keys: { 1: /etc/belvedere/vrrp.key } }", "How the nodes know each other's advertisements."),
      Key(
        "track", \.tracks, .oneOrMore(.track), default: "none", example: "{ interface: eth1, weight: -50 }",
        "What the priority depends on besides the worker, the servers and `interface`, which always count."),
      Key(
        "notify", \.hooks, .oneOrMore(.path(.hook)), default: "none", example: "/usr/local/sbin/view-moved",
        "Programs that are run at every change, as keepalived runs its own: `INSTANCE NAME MASTER|BACKUP|FAULT|STOP PRIORITY`."
      ),
      Key(
        "mail", \.mail, .either("off", or: .section(mail)), example: "{ to: root }",
        "Whom the system's sendmail tells of every change."),
    ])

  static let authentication = Section<Configuration.VirtualRouter.Authentication>(
    name: "vrrp.authentication",
    keys: [
      Key(
        "password", \.password, .optional(.simpleText), default: "none", example: "pair51",
        """
        Version 2: keepalived's `auth_type PASS`, at most eight bytes. It is sent in the clear and protects from \
        mistakes, not from anybody who wants in.
        """),
      Key(
        "keys", \.keys, .authenticationKeys, default: "none", example: "{ 1: /etc/belvedere/vrrp.key }",
        """
        Numbers, 1 to 255, and where each key is: a file with 64 to 128 hexadecimal digits (`openssl rand -hex 32`), or \
        `credential:NAME` of systemd. The first signs, all verify. keepalived 2.4: `auth_hmac`.
        """),
      Key(
        "mode", \.mode, .word, example: "permissive",
        """
        `enforce`: signed, and nothing else is accepted. On the way there, node by node: `receive-only` verifies and \
        sends unsigned, `permissive` signs and accepts unsigned.
        """),
      Key(
        "window", \.window, .either("off", or: .duration(.seconds(1)...(.hours(1)))), example: "5s",
        """
        How far the nodes' clocks may be apart. Without it an advertisement can't be replayed to a node that heard a \
        later one; with it neither to one that just started, but clocks that disagree make both nodes hold the address.
        """),
    ])

  static let track = Section<WrittenTrack>(
    name: "vrrp.track",
    keys: [
      Key(
        "interface", \.interface, .optional(.interface), default: "this or `script` is required", example: "eth1",
        "An interface that has to be up and to have a carrier."),
      Key(
        "script", \.script, .optional(.path(.hook)), default: "this or `interface` is required",
        example: "/etc/belvedere/check", "A program that has to end with status 0. It is run without arguments."),
      Key(
        "weight", \.weight, .either("give-up", or: .trackWeight), example: "-50",
        """
        While the condition is bad: takes no part, or what is added to the priority, -253 to -1. From 1 to 253: what is \
        added while it is good.
        """),
      Key(
        "recovery", \.recovery, .duration(.zero...(.hours(1))), example: "10s",
        "How long it has to be good again before that counts."),
      Key(
        "interval", \.interval, .duration(.milliseconds(100)...(.hours(1))), example: "2s",
        "From one run of the script to the next."),
      Key(
        "timeout", \.timeout, .duration(.milliseconds(100)...(.hours(1))), example: "1s",
        "After which a script that still runs is killed, and has failed."),
      Key("fall", \.fall, .number(1...100), example: "3", "Failures of the script in a row that count."),
    ])

  static let mail = Section<Configuration.VirtualRouter.Mail>(
    name: "vrrp.mail",
    keys: [
      Key("to", \.to, .oneOrMore(.mailAddress), required: true, example: "admins@domain.local", "Whom."),
      Key(
        "from", \.from, .optional(.mailAddress), default: "as the mail system has it", example: "lb1@domain.local",
        "The sender's address."),
    ])
}

extension Configuration.VirtualRouter: Defaulted {
  static let defaults = Configuration.VirtualRouter(interface: "", identifier: 1, priority: 1, addresses: [])
}

extension Configuration.VirtualRouter.Authentication: Defaulted {
  static let defaults = Configuration.VirtualRouter.Authentication()
}

extension Configuration.VirtualRouter.Mail: Defaulted {
  static let defaults = Configuration.VirtualRouter.Mail()
}

/// A condition as it is written: one of two subjects.
struct WrittenTrack: Defaulted {
  var interface: String?
  var script: String?
  var weight: Int?
  var recovery = Interval.seconds(2)
  var interval = Interval.seconds(5)
  var timeout = Interval.seconds(5)
  var fall = 2

  static let defaults = WrittenTrack()
}
