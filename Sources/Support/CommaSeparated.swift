/// The columns of one line of CSV (RFC 4180), for files that people keep by hand.
public enum CommaSeparated {
    /// A column in quotation marks may hold commas, and quotation marks twice. Nothing is trimmed.
    public static func columns(_ line: some StringProtocol) -> [String] {
        var columns: [String] = []
        var rest = Substring(line)
        while true {
            var column = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let quote = rest.firstIndex(of: "\"") {
                    column += rest[..<quote]
                    rest = rest[rest.index(after: quote)...]
                    guard rest.first == "\"" else { break }
                    column += "\""
                    rest = rest.dropFirst()
                }
            } else {
                column = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(column.count)
            }
            columns.append(column)
            guard rest.first == "," else { return columns }
            rest = rest.dropFirst()
        }
    }
}
