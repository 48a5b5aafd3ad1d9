import Foundation
import Testing
import Wire

@testable import Domain

@Suite struct `A histogram of durations` {
  /// The duration in nanoseconds, and the index of its bucket.
  @Test(
    arguments: [
      (0, 0), (1, 0), (499_999, 0), (500_000, 0), (500_001, 1), (1_000_000, 1), (1_000_001, 2), (2_000_000, 2),
      (2_000_001, 3), (16_000_000, 5), (1_024_000_000, 11), (1_024_000_001, 12), (16_384_000_000, 15),
      (32_768_000_000, 16), (32_768_000_001, 17), (86_400_000_000_000, 17), (.max, 17),
    ] as [(UInt64, Int)])
  func `a duration counts in the first bucket whose bound it does not exceed`(nanoseconds: UInt64, bucket: Int) {
    let duration = Interval(nanoseconds: nanoseconds)
    #expect(DurationHistogram.bucket(of: duration) == bucket)
    let milliseconds = Double(nanoseconds) / 1_000_000
    #expect((DurationHistogram.bounds.firstIndex { milliseconds <= $0 } ?? 17) == bucket)
  }

  @Test func `bounds double from 0.5 ms to 32.768 s`() {
    #expect(DurationHistogram.bounds.count == DurationHistogram.bucketCount - 1)
    #expect(DurationHistogram.bounds.first == 0.5)
    #expect(DurationHistogram.bounds.last == 32_768)
  }

  @Test func `JSON has the buckets and the sum`() throws {
    var histogram = DurationHistogram()
    for milliseconds in [0, 3, 3, 60_000] as [UInt64] { histogram.add(.milliseconds(milliseconds)) }
    #expect(histogram.count == 4)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(histogram)
    #expect(
      String(bytes: data, encoding: .utf8)
        == #"{"buckets":[1,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,0,1],"sum_us":60006000}"#)
    #expect(try JSONDecoder().decode(DurationHistogram.self, from: data) == histogram)
  }

  @Test func `JSON has no empty buckets after the last that is not`() throws {
    var histogram = DurationHistogram()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    func text() throws -> String? { String(bytes: try encoder.encode(histogram), encoding: .utf8) }
    #expect(try text() == #"{"buckets":[],"sum_us":0}"#)
    for milliseconds in [0, 3, 3] as [UInt64] { histogram.add(.milliseconds(milliseconds)) }
    let text = try #require(try text())
    #expect(text == #"{"buckets":[1,0,0,2],"sum_us":6000}"#)
    #expect(try JSONDecoder().decode(DurationHistogram.self, from: Data(text.utf8)) == histogram)
  }
}
