/// A number of bytes.
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var bytes: Int64

    public init(_ bytes: Int64) { self.bytes = bytes }
    public static func kibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 10) }
    public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }

    public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }

    /// In the largest binary unit that keeps at least two digits: `512 B`, `40 KiB`, `12 MiB`.
    public var description: String {
        switch bytes {
        case ..<(10 << 10): "\(bytes) B"
        case ..<(10 << 20): "\(bytes >> 10) KiB"
        case ..<(10 << 30): "\(bytes >> 20) MiB"
        default: "\(bytes >> 30) GiB"
        }
    }
}
