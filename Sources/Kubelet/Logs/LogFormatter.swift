import Support

/// Turns the bytes of a log file into what a client sees, chunk by chunk.
///
/// Pure, and bounded whatever the file holds: between chunks it keeps no more than the beginning of one line's head.
struct LogFormatter: Sendable {
    private enum Position {
        /// Before the text of a line; so much of its head was read.
        case head([UInt8])
        /// Within the text of a line.
        case text(isShown: Bool, isPartial: Bool)
    }

    private let hasTimestamps: Bool
    private let since: Timestamp?
    private let stream: LogOptions.Stream?
    private var bytesLeft: Int
    private var position = Position.head([])
    /// Whether the next text begins a line of the output.
    private var isAtLineStart = true

    init(_ options: LogOptions) {
        hasTimestamps = options.hasTimestamps
        since = options.since
        stream = options.stream
        bytesLeft = options.limitBytes ?? .max
    }

    /// As many bytes as were wanted have been given.
    var isDone: Bool { bytesLeft == 0 }

    /// Takes the next bytes of the file and returns what is to be shown of them.
    mutating func format(_ chunk: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(min(chunk.count, bytesLeft))
        var rest = chunk[...]
        while !rest.isEmpty, !isDone {
            switch position {
            case .head(let begun): rest = readHead(begun, rest, &output)
            case .text(let isShown, let isPartial): rest = readText(isShown, isPartial, rest, &output)
            }
        }
        return output
    }

    /// The file goes on elsewhere: another one, or after having been emptied.
    mutating func startFile() { position = .head([]) }

    private mutating func readHead(
        _ begun: [UInt8], _ rest: ArraySlice<UInt8>, _ output: inout [UInt8]
    ) -> ArraySlice<UInt8> {
        let bytes = begun + rest.prefix(LogLineHead.lengthLimit - begun.count)
        if let head = LogLineHead(bytes[...]) {
            let isShown = (stream == nil || stream == head.stream) && isRecent(head)
            if isShown {
                if isAtLineStart, hasTimestamps { show(head.fixedTimestamp + [UInt8(ascii: " ")], &output) }
                isAtLineStart = false
            }
            position = .text(isShown: isShown, isPartial: head.isPartial)
            return rest.dropFirst(head.length - begun.count)
        }
        if bytes.contains(UInt8(ascii: "\n")) || bytes.count >= LogLineHead.lengthLimit {
            // No line of a log: passed over to its end.
            position = .text(isShown: false, isPartial: false)
            return rest
        }
        position = .head(bytes)
        return []
    }

    private mutating func readText(
        _ isShown: Bool, _ isPartial: Bool, _ rest: ArraySlice<UInt8>, _ output: inout [UInt8]
    ) -> ArraySlice<UInt8> {
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        let text = rest[..<(end ?? rest.endIndex)]
        if isShown { show(text, &output) }
        guard let end else { return [] }
        if isShown, !isPartial {
            show([UInt8(ascii: "\n")], &output)
            isAtLineStart = true
        }
        position = .head([])
        return rest[(end + 1)...]
    }

    private func isRecent(_ head: LogLineHead) -> Bool {
        guard let since else { return true }
        return head.time.map { $0 >= since } ?? false
    }

    private mutating func show(_ bytes: some Collection<UInt8>, _ output: inout [UInt8]) {
        let shown = bytes.prefix(bytesLeft)
        output += shown
        bytesLeft -= shown.count
    }
}
