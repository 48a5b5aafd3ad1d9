import Wire

/// The last advertisements of other nodes, whatever their priority.
struct LastHeard: Hashable {
  /// An advertisement that was received and rejected.
  struct Refusal: Hashable {
    let rejection: AdvertisementRejection
    let sender: IPAddress
    let heardAt: Instant
  }

  /// The last accepted one.
  var peer: VirtualRouter.Peer?
  /// The last rejected one.
  var refusal: Refusal?
  /// What the nodes of the pair say of themselves.
  var reports = PeerReports()
}
