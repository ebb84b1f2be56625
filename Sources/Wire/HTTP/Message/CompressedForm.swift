/// What is around a compressed stream.
public enum CompressedForm: Hashable, Sendable {
    /// `Content-Encoding: gzip` (RFC 1952).
    case gzip
    /// `Content-Encoding: deflate` (RFC 1950; RFC 9110, section 8.4.1.2).
    case zlib
    /// Nothing (RFC 1951), which some mean by `deflate`.
    case raw

    /// As zlib wants to hear it: a window of 2^15 bytes, and what is around the stream.
    var windowBits: Int32 {
        switch self {
        case .gzip: 15 + 16
        case .zlib: 15
        case .raw: -15
        }
    }
}
