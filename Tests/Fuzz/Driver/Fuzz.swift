import Properties

/// One fuzzer for every parser: a property that must hold for any bytes at all, chosen by its name in the environment.
/// A new parser needs a row here and a folder of seeds in ../Corpus.
let properties: [(name: String, check: @Sendable ([UInt8]) throws -> Void)] = [
  ("request-head", { try RequestHeadProperties.check($0) }),
  ("response-head", { try ResponseHeadProperties.check($0) }),
  ("chunked-body", { try ChunkedBodyProperties.check($0) }),
]
