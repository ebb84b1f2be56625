/// A token of kubeadm's kind, `<id>.<secret>`: the id may be shown, the secret not.
public struct BootstrapToken: Hashable, Sendable {
    /// 6 characters of a-z and 0-9.
    public let id: String
    /// 16 characters of a-z and 0-9.
    public let secret: String

    /// Reads a token; `nil` for anything that has not exactly this form.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 6, parts[1].utf8.count == 16,
            parts.allSatisfy({ $0.utf8.allSatisfy(Self.alphabet.contains) })
        else { return nil }
        (id, secret) = (String(parts[0]), String(parts[1]))
    }

    private init(id: String, secret: String) { (self.id, self.secret) = (id, secret) }

    /// A new token.
    public static func random() -> BootstrapToken {
        var generator = SystemRandomNumberGenerator()
        func text(_ count: Int) -> String {
            let picked = (0..<count).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            return String(decoding: picked, as: UTF8.self)
        }
        return BootstrapToken(id: text(6), secret: text(16))
    }

    /// `<id>.<secret>`.
    public var text: String { id + "." + secret }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
}
