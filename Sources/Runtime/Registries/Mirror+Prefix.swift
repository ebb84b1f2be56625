extension Registries.Mirror {
    /// Patterns that take a whole repository as their first group.
    private static let wholes: Set = [
        "(.*)", "^(.*)", "(.*)$", "^(.*)$", "(.+)", "^(.+)", "(.+)$", "^(.+)$",
    ]

    /// What the only rewrite puts before every repository, without the slash after it: `team/proxy` for `^(.*)$` and
    /// `team/proxy/$1`. containerd knows that as a path of the endpoint; `nil` for other rewrites, which it does not know
    /// (``RewritePlan``).
    var prefix: String? {
        guard rewrites.count == 1, let (pattern, replacement) = rewrites.first, Self.wholes.contains(pattern) else {
            return nil
        }
        for group in ["/$1", "/${1}"] where replacement.hasSuffix(group) {
            let prefix = replacement.dropLast(group.utf8.count)
            let parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isPlain) }) else { return nil }
            return String(prefix)
        }
        return nil
    }

    /// What the name of a repository may have, which means itself in a path.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "._-".utf8.contains(byte)
        }
    }
}
