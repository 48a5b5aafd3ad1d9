import Exchange

/// A connection to a server in virtual time, as an exchange uses it.
struct SimulatedConnection {
  var fromServer: [UInt8] = []
  var toServer: [UInt8] = []
  /// What the server has yet to send.
  var response: ArraySlice<UInt8> = []
  var end: StreamEnd?
  var isWriteBroken = false
  /// Part of the request waits to be sent.
  var isBehind = false
  /// Authentication has bound it to the client.
  var isBound = false
  /// Something of the request has left for the server.
  var hasRequest = false
}
