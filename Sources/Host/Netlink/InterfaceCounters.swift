public import Support

/// What went through a network interface since it was made.
public struct InterfaceCounters: Hashable, Sendable {
    public struct Direction: Hashable, Sendable {
        public var bytes: UInt64 = 0
        public var packets: UInt64 = 0
        public var errors: UInt64 = 0
        public var dropped: UInt64 = 0

        public init() {}
    }

    public var name: String
    public var received = Direction()
    public var sent = Direction()

    public init(name: String) { self.name = name }

    /// Of the interfaces that a process sees (`nil`: this one), but for the loopback. Fails with `notFound` for a process
    /// that is gone.
    public static func read(process pid: Int32? = nil) throws(Fault) -> [InterfaceCounters] {
        parse(try Files.readText("/proc/\(pid.map { "\($0)" } ?? "self")/net/dev")).filter { $0.name != "lo" }
    }

    /// The table of `/proc/net/dev`: eight figures of what came, eight of what went.
    static func parse(_ text: String) -> [InterfaceCounters] {
        text.split(separator: "\n").compactMap { line in
            guard let colon = line.lastIndex(of: ":") else { return nil }
            let figures = line[line.index(after: colon)...].split(separator: " ").compactMap { UInt64($0) }
            guard figures.count == 16 else { return nil }
            var counters = InterfaceCounters(name: String(line[..<colon].filter { $0 != " " }))
            for (direction, first) in [(\InterfaceCounters.received, 0), (\InterfaceCounters.sent, 8)] {
                counters[keyPath: direction].bytes = figures[first]
                counters[keyPath: direction].packets = figures[first + 1]
                counters[keyPath: direction].errors = figures[first + 2]
                counters[keyPath: direction].dropped = figures[first + 3]
            }
            return counters
        }
    }
}
