// SwiftPM wants one translation unit per C target; everything is in the header.
