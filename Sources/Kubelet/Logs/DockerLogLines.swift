import APIMachinery

/// In which form a log file is written.
enum LogForm: Hashable, Sendable {
    /// The container runtime interface's (``LogLineHead``).
    case interface
    /// Docker's (`json-file`), to which the path of a container's log leads where Docker is the runtime.
    case docker

    /// By the first byte of a file: a time or an object.
    init(firstByte: UInt8) { self = firstByte == UInt8(ascii: "{") ? .docker : .interface }

    /// How many bytes of a line tell whether it goes on in the next one.
    var lookahead: Int {
        switch self {
        case .interface: LogLineHead.lengthLimit
        case .docker: DockerLogLines.limit
        }
    }

    /// Whether the line at the beginning of `bytes` goes on in the next one.
    func isPartial(_ bytes: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .interface: LogLineHead(bytes)?.isPartial ?? false
        case .docker: DockerLogLines.isPartial(bytes)
        }
    }
}

/// Turns Docker's lines, `{"log":"the text\n","stream":"stdout","time":"2016-10-06T00:17:09.669794202Z"}`, into those of the
/// container runtime interface, chunk by chunk.
///
/// Pure, and bounded: Docker cuts a text after 16 KiB, and a byte of it takes at most six in JSON.
struct DockerLogLines: Sendable {
    /// The longest line that makes sense, in bytes.
    static let limit = 128 << 10

    private var begun: [UInt8] = []
    private var isTooLong = false

    /// The lines that are complete with these bytes. What is no line of a log is passed over.
    mutating func convert(_ chunk: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = chunk[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(rest[..<end])
            if !isTooLong, let line = Self.line(begun) { output += line }
            (begun, isTooLong) = ([], false)
            rest = rest[(end + 1)...]
        }
        append(rest)
        return output
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        if begun.count + bytes.count > Self.limit { (begun, isTooLong) = ([], true) }
        if !isTooLong { begun += bytes }
    }

    /// One line, with its line feed; `nil` for what is none. A text that does not end with a line feed goes on in the next.
    static func line(_ json: [UInt8]) -> [UInt8]? {
        guard let value = try? Value(json: json), let text = value["log"]?.string, let time = value["time"]?.string,
            let stream = value["stream"]?.string
        else { return nil }
        let isWhole = text.utf8.last == UInt8(ascii: "\n")
        var line = Array("\(time) \(stream) \(isWhole ? "F" : "P") ".utf8)
        line += isWhole ? text.utf8.dropLast() : text.utf8[...]
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// Whether the text in the line at the beginning of `bytes` ends without a line feed. Read without its JSON, since it is
    /// asked of many lines: a text ends at the first quotation mark that is not escaped.
    static func isPartial(_ bytes: ArraySlice<UInt8>) -> Bool {
        let beginning = Array(#"{"log":""#.utf8)
        guard bytes.starts(with: beginning) else { return false }
        var index = bytes.startIndex + beginning.count
        var endsWithLineFeed = false
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""): return !endsWithLineFeed
            case UInt8(ascii: "\n"): return false
            case UInt8(ascii: "\\"):
                guard index + 1 < bytes.endIndex else { return false }
                endsWithLineFeed = bytes[index + 1] == UInt8(ascii: "n")
                index += 2
            default:
                endsWithLineFeed = false
                index += 1
            }
        }
        return false
    }
}
