/// Takes apart what Docker sends of a process without a terminal: frames of a head of eight bytes (the stream, three
/// zeroes, the length in network order) and so many bytes ("Attach to a container", stream format). With a terminal there
/// are no frames. Pure; it holds back no more than a head.
struct DockerFrames: Sendable {
    enum Stream: Hashable, Sendable {
        case stdout, stderr
    }

    private var head: [UInt8] = []
    private var left = 0
    private var stream = Stream.stdout

    /// The parts of the streams in these bytes, in their order.
    mutating func take(_ bytes: [UInt8]) -> [(stream: Stream, bytes: [UInt8])] {
        var parts: [(stream: Stream, bytes: [UInt8])] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if left == 0 {
                let more = rest.prefix(8 - head.count)
                head += more
                rest = rest.dropFirst(more.count)
                guard head.count == 8 else { break }
                stream = head[0] == 2 ? .stderr : .stdout
                left = head[4...].reduce(0) { $0 << 8 | Int($1) }
                head = []
            } else {
                let part = rest.prefix(left)
                parts.append((stream, Array(part)))
                left -= part.count
                rest = rest.dropFirst(part.count)
            }
        }
        return parts
    }
}
