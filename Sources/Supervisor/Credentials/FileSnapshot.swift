/// What was found on disk, by path. The plan looks here only.
struct FileSnapshot: Sendable {
    var files: [String: [UInt8]] = [:]
    /// Where symbolic links point.
    var links: [String: String] = [:]

    /// The first line of a text file without white space; `nil` when there is none.
    func line(_ path: String) -> String? {
        guard let bytes = files[path] else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        return line.map(String.init)
    }
}
