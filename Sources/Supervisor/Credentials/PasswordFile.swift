import Support

/// `cred/passwd`: who may talk to the supervisor with basic authentication. CSV (RFC 4180) of password, name,
/// uid, groups.
public struct PasswordFile: Hashable, Sendable {
    /// One line.
    public struct Row: Hashable, Sendable {
        public var password: String
        public var name: String
        /// Separated by commas, as the file has them.
        public var groups: String
    }

    /// In the order of the file.
    public private(set) var rows: [Row] = []

    /// A file without rows.
    public init() {}

    /// Reads a file; lines with fewer than three columns say nothing and are left out.
    public init(_ bytes: [UInt8]) {
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let columns = CommaSeparated.columns(line)
            guard columns.count >= 3 else { continue }
            rows.append(
                Row(password: columns[0], name: columns[1], groups: columns.count > 3 ? columns[3] : ""))
        }
    }

    /// The password of a user.
    public func password(of name: String) -> String? { rows.first { $0.name == name }?.password }

    /// Gives a user this password and group; other rows stay.
    public mutating func set(_ name: String, password: String, groups: String) {
        let row = Row(password: password, name: name, groups: groups)
        rows.removeAll { $0.name == name && $0 != row }
        if !rows.contains(row) { rows.append(row) }
    }

    /// The content of the file.
    public var bytes: [UInt8] {
        let lines = rows.map { row in
            [row.password, row.name, row.name, row.groups].map(Self.quoted).joined(separator: ",") + "\n"
        }
        return Array(lines.joined().utf8)
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.contains { $0 == "," || $0 == "\"" || $0.isNewline } && text.first != " "
        return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
