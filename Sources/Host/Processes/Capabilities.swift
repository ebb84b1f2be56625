public import Support

/// What a process may do beyond its user's rights (capabilities(7)).
public struct Capabilities: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let changeOwner = Capabilities(rawValue: 1 << 0)
    public static let netBindService = Capabilities(rawValue: 1 << 10)
    public static let netAdmin = Capabilities(rawValue: 1 << 12)
    public static let netRaw = Capabilities(rawValue: 1 << 13)
    public static let sysModule = Capabilities(rawValue: 1 << 16)
    public static let sysAdmin = Capabilities(rawValue: 1 << 21)
    /// Without it, nobody can lower an `oom_score_adj` below its parent's: containerd then needs
    /// `restrict_oom_score_adj`.
    public static let sysResource = Capabilities(rawValue: 1 << 24)

    /// The effective capabilities of this process.
    public static func own() throws(Fault) -> Capabilities {
        let status = try Files.readText("/proc/self/status")
        guard let own = Capabilities(inStatus: status) else {
            throw Fault(.corrupt, "/proc/self/status names no effective capabilities")
        }
        return own
    }

    init?(inStatus text: String) {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let bits = UInt64(line.dropFirst("CapEff:".count).drop { $0.isWhitespace }, radix: 16)
        else { return nil }
        self.init(rawValue: bits)
    }
}
