import PKI
public import Support

/// The tokens of a file: `--token-auth-file`, CSV of token, user, uid and optionally groups (Kubernetes documentation,
/// "Static token file"). Prints none of them.
public struct StaticTokens: Sendable, CustomStringConvertible, TokenAuthenticator {
    /// By the digest of the token, so that looking one up takes a time that says nothing about it.
    private var users: [[UInt8]: User] = [:]

    /// Reads the file's text. A line with fewer than three columns is a fault; one without a token says nothing.
    public init(csv text: String) throws(Fault) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard !line.isEmpty else { continue }
            let columns = CommaSeparated.columns(line)
            guard columns.count >= 3 else {
                throw Fault(
                    .invalid,
                    "line \(index + 1) of the token file must have at least 3 columns (token, user name, user uid), found \(columns.count)")
            }
            guard !columns[0].isEmpty else { continue }
            let groups = columns.count > 3 ? columns[3].split(separator: ",").map(String.init) : []
            users[Digest.sha256(columns[0].utf8)] = User(name: columns[1], uid: columns[2], groups: groups)
        }
    }

    public var description: String { "\(users.count) static tokens" }

    func look(_ token: String, for audiences: [String]) -> TokenVerdict {
        guard let user = users[Digest.sha256(token.utf8)] else { return .unknown }
        return .holder(TokenHolder(user: user, audiences: audiences))
    }
}
