import Exchange

/// A connection to a server in virtual time, as an exchange uses it.
struct SimulatedConnection {
  var fromServer: [UInt8] = []
  var toServer: [UInt8] = []
  /// Bytes that the server has not sent yet.
  var response: ArraySlice<UInt8> = []
  var end: StreamEnd?
  var isWriteBroken = false
  /// Part of the request is not sent yet.
  var isBehind = false
  /// It is private to the client because it was authenticated.
  var isBound = false
  /// Part of the request has been sent.
  var hasRequest = false
}
