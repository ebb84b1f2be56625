/// The order of API versions by how stable and how new they are: `v2`, `v1`, `v1beta2`, `v1alpha1`, then other names
/// in order of the alphabet (Kubernetes documentation, "Version priority").
public struct VersionPriority: Hashable, Comparable, Sendable {
    /// 3 for stable, 2 for beta, 1 for alpha, 0 for names of another form.
    private let stability: Int
    private let major: Int
    private let minor: Int
    private let name: String

    public init(_ version: String) {
        name = version
        var rest = Substring(version)
        func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.first != "0", let number = Int(digits) else { return nil }
            rest = rest[digits.endIndex...]
            return number
        }
        guard rest.popFirst() == "v", let major = number() else {
            (stability, self.major, minor) = (0, 0, 0)
            return
        }
        self.major = major
        let word = rest.prefix { $0.isLetter }
        rest = rest[word.endIndex...]
        switch word {
        case "" where rest.isEmpty: (stability, minor) = (3, 0)
        case "beta", "alpha":
            guard let minor = number(), rest.isEmpty else { fallthrough }
            (stability, self.minor) = (word == "beta" ? 2 : 1, minor)
        default: (stability, minor) = (0, 0)
        }
    }

    /// Whether `a` comes after `b`: the greatest is the one that clients take by default.
    public static func < (a: VersionPriority, b: VersionPriority) -> Bool {
        guard a.stability == b.stability else { return a.stability < b.stability }
        guard a.stability > 0 else { return a.name > b.name }
        return (a.major, a.minor) < (b.major, b.minor)
    }
}

extension Sequence<String> {
    /// The versions, the preferred one first.
    public var inVersionOrder: [String] { sorted { VersionPriority($0) > VersionPriority($1) } }
}
