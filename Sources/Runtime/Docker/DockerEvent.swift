import APIMachinery

/// Reads a line of Docker's events (`GET /events`).
enum DockerEvent {
    /// The actions that matter; a `die` is told when the container's state says it already.
    static let actions = ["create", "start", "die", "oom", "destroy"]

    /// `nil` for what says nothing about a container.
    static func read(_ event: Value) -> ContainerEvent? {
        guard event["Type"]?.string == "container", let id = event.at("Actor", "ID")?.string, !id.isEmpty else {
            return nil
        }
        switch event["Action"]?.string {
        case "create": return ContainerEvent(.created, id)
        case "start": return ContainerEvent(.started, id)
        case "die": return ContainerEvent(.exited, id)
        case "oom": return ContainerEvent(.outOfMemory, id)
        case "destroy": return ContainerEvent(.deleted, id)
        default: return nil
        }
    }
}

/// Cuts what Docker streams, one JSON value a line, into the values. Pure; a line has a bound.
struct DockerLines: Sendable {
    /// The longest line that is kept; a longer one is no event of Docker's, and is passed over.
    static let limit = 1 << 20

    private var begun: [UInt8] = []
    private var isTooLong = false

    /// The values that are complete with these bytes. What is no JSON is passed over.
    mutating func take(_ bytes: [UInt8]) -> [Value] {
        var values: [Value] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(rest[..<end])
            if let value = finish() { values.append(value) }
            rest = rest[(end + 1)...]
        }
        append(rest)
        return values
    }

    /// The value of the last line, where the stream ends without a line feed.
    mutating func finish() -> Value? {
        defer { (begun, isTooLong) = ([], false) }
        guard !begun.isEmpty, !isTooLong else { return nil }
        return try? Value(json: begun)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        if begun.count + bytes.count > Self.limit { isTooLong = true }
        if !isTooLong { begun += bytes }
    }
}
