/// Verdicts on keywords of keepalived.conf that do not depend on their arguments.
enum KeepalivedTables {
  /// A line of a `vrrp_instance` or a `vrrp_sync_group`.
  static func instanceVerdict(on keyword: String) -> Verdict? {
    if keyword.hasPrefix("garp_") || keyword.hasPrefix("gna_") { return announced }
    return instance[keyword]
  }

  /// A line of `global_defs`.
  static func globalVerdict(on keyword: String) -> Verdict? {
    if let verdict = globals[keyword] { return verdict }
    if keyword.hasPrefix("vrrp_garp") || keyword.hasPrefix("vrrp_gna") || keyword.hasPrefix("vrrp_min_garp") {
      return announced
    }
    for prefix in [
      "lvs_", "checker_", "bfd_", "snmp", "enable_snmp", "dbus", "enable_dbus", "smtp_alert_checker", "nftables",
      "disable_local_igmp",
    ]
    where keyword.hasPrefix(prefix) {
      return .notNeeded("Belvedere has no such part")
    }
    for suffix in [
      "_priority", "_rt_priority", "_rlimit_rttime", "_rlimit_rtime", "_no_swap", "_cpu_affinity", "_process_name",
    ]
    where keyword.hasSuffix(suffix) && (keyword.hasPrefix("vrrp") || keyword == "process_name") {
      return unit
    }
    return nil
  }

  /// A block at the top level that no virtual router comes from.
  static func blockVerdict(on keyword: String) -> Verdict? { blocks[keyword] }

  private static let announced = Verdict.notNeeded("five announcements at once, five after 5 s, one a minute")
  private static let unit = Verdict.notNeeded("the systemd unit and its sandbox do this")
  private static let single = Verdict.impossible("`notify` is one program, which gets the state as its third argument")

  private static let instance: [String: Verdict] = [
    "state": .notNeeded("the priority decides"), "accept": .standard("accept: true"),
    "no_accept": .notNeeded("the address always accepts connections: accept"),
    "strict_mode": .notNeeded("the address always accepts connections: accept"),
    "use_vmac": .notNeeded("gratuitous ARP is sent"), "use_vmac_addr": .notNeeded("gratuitous ARP is sent"),
    "use_ipvlan": .notNeeded("gratuitous ARP is sent"), "vmac_xmit_base": .notNeeded("gratuitous ARP is sent"),
    "native_ipv6": .standard("an IPv6 address is announced over IPv6"), "debug": .notNeeded("log: { level: debug }"),
    "dont_track_primary": .notNeeded("a node without the interface can not have the address"),
    "lvs_sync_daemon_interface": .notNeeded("Belvedere has no such part"),
    "lvs_sync_daemon_inteface": .notNeeded("Belvedere has no such part"),
    "skip_check_adv_addr": .standard("an advertisement with other addresses is accepted, and logged once"),
    "higher_prio_send_advert": .standard("a higher advertisement is answered when it must be"),
    "check_unicast_src": .standard("advertisements are accepted from peers alone"),
    "unicast_ttl": .standard("the TTL is 255"), "unicast_fault_no_peer": .notNeeded("peers"),
    "old_unicast_checksum": .notNeeded("`checksum` decides"),
    "promote_secondaries": .notNeeded("an address is set by itself"),
    "mcast_dst_ip": .impossible("advertisements go to the group of RFC 9568, or to `peers`"),
    "kernel_rx_buf_size": .notNeeded("tuning of keepalived's own"),
    "linkbeat_use_polling": .notNeeded("the kernel reports the link's state"),
    "down_timer_adverts": .standard("three intervals without an advertisement"),
    "thread_timer_expired": .notNeeded("tuning of keepalived's own"),
    "virtual_routes": .impossible("set routes by a `notify` program"),
    "virtual_rules": .impossible("set rules by a `notify` program"),
    "notify_master": single, "notify_backup": single, "notify_fault": single, "notify_stop": single,
    "notify_deleted": single, "notify_master_rx_lower_pri": single,
    "notify_priority_changes": .notNeeded("`notify` is run when the state changes"),
    "track_file": .impossible("track: { script: … } that reads the file"),
    "track_bfd": .impossible("track: { script: … }"),
    "global_tracking": .standard("the routers of a group move together"),
    "sync_group_tracking_weight": .notNeeded("`track` has the weights"), "smtp_alert_vrrp": .notNeeded("mail"),
  ]

  private static let globals: [String: Verdict] = [
    "router_id": .notNeeded("the machine's host name"), "script_user": .notNeeded("`User=` in belvedere-notify@"),
    "enable_script_security": .notNeeded("programs run as a user of their own: `User=` in belvedere-notify@"),
    "smtp_connect_timeout": .notNeeded("the machine's sendmail sends the mail"),
    "smtp_helo_name": .notNeeded("the machine's sendmail sends the mail"), "max_auto_priority": unit,
    "use_pid_dir": unit,
    "process_names": unit, "process_name": unit, "child_wait_time": unit,
    "net_namespace": .impossible("run Belvedere in the namespace"),
    "instance": unit, "tmp_config_directory": unit, "config_save_dir": unit,
    "reload_file": .notNeeded("`systemctl reload belvedere` checks the file first"),
    "reload_check_config": .notNeeded("`systemctl reload belvedere` checks the file first"),
    "reload_time_file": .notNeeded("`systemctl reload belvedere`"), "data_use_instance": unit, "json_version": unit,
    "default_interface": .impossible("write vrrp.interface"),
    "vrrp_strict": .notNeeded("the address always accepts connections: accept"),
    "vrrp_skip_check_adv_addr": .standard("an advertisement with other addresses is accepted, and logged once"),
    "vrrp_higher_prio_send_advert": .standard("a higher advertisement is answered when it must be"),
    "vrrp_check_unicast_src": .standard("advertisements are accepted from peers alone"),
    "vrrp_mcast_group4": .impossible("advertisements go to the group of RFC 9568, or to `peers`"),
    "vrrp_mcast_group6": .impossible("advertisements go to the group of RFC 9568, or to `peers`"),
    "vrrp_iptables": .notNeeded("the address accepts connections"),
    "vrrp_ipsets": .notNeeded("the address accepts connections"),
    "vrrp_startup_delay": .standard("the virtual routers wait for the first health checks"),
    "vrrp_notify_priority_changes": .notNeeded("`notify` is run when the state changes"),
    "vrrp_notify_fifo": .impossible("use `notify`"), "vrrp_notify_fifo_script": .impossible("use `notify`"),
    "notify_fifo": .impossible("use `notify`"), "notify_fifo_script": .impossible("use `notify`"),
    "startup_script": .impossible("ExecStartPre= in `systemctl edit belvedere`"),
    "shutdown_script": .impossible("ExecStopPost= in `systemctl edit belvedere`"),
    "startup_script_timeout": unit, "shutdown_script_timeout": unit,
    "dynamic_interfaces": .standard("an interface may come later"),
    "allow_if_changes": .standard("an interface may come later"),
    "no_email_faults": .notNeeded("mail says every change of state"),
    "linkbeat_use_polling": .notNeeded("the kernel reports the link's state"),
    "smtp_alert": .notNeeded("`mail` of each router"),
    "smtp_alert_vrrp": .notNeeded("`mail` of each router"), "vrrp_rx_bufs_policy": unit,
    "vrrp_rx_bufs_multiplier": unit,
    "umask": unit, "vrrp_down_timer_adverts": .standard("three intervals without an advertisement"),
  ]

  private static let blocks: [String: Verdict] = [
    "virtual_server": .impossible(
      "Belvedere is no LVS: leave these services to keepalived on other machines, or list the servers"),
    "virtual_server_group": .impossible(
      "Belvedere is no LVS: leave these services to keepalived on other machines, or list the servers"),
    "bfd_instance": .impossible("track: { script: … }"),
    "static_ipaddress": .impossible("set the machine's own addresses with its network service"),
    "static_routes": .impossible("set the machine's own routes with its network service"),
    "static_rules": .impossible("set the machine's own rules with its network service"),
    "track_group": .notNeeded("it tracks static addresses"), "garp_group": announced,
    "interface_up_down_delays": .notNeeded("track.recovery"),
    "linkbeat_interfaces": .notNeeded("the kernel reports the link's state"),
    "vrrp_track_file": .impossible("track: { script: … } that reads the file"),
    "track_file": .impossible("track: { script: … } that reads the file"),
    "SSL": .notNeeded("Belvedere has no such part"),
    "linkbeat_use_polling": .notNeeded("the kernel reports the link's state"), "instance": unit,
    "net_namespace": .impossible("run Belvedere in the namespace"),
    "use_pid_dir": unit, "child_wait_time": unit,
  ]
}
