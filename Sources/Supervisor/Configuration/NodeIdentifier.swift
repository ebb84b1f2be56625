import Host
public import Support

/// What k3s appends to a node's name with `--with-node-id`: eight hexadecimal digits, made once for a machine.
public enum NodeIdentifier {
    /// Outlives the removal of k3s, so that the machine stays the same node.
    public static let file = "/etc/rancher/node/id"

    /// The identifier in `file`; makes it when there is none.
    public static func take(_ file: String = file) throws(Fault) -> String {
        if Files.exists(file) {
            let text = try Files.readText(file).filter { !$0.isWhitespace }
            guard !text.isEmpty else { throw Fault(.corrupt, "\(file) is empty", remedy: "remove it") }
            return text
        }
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        let identifier = String(repeating: "0", count: 8 - digits.count) + digits
        try Files.makeDirectory(Path.parent(of: file), mode: 0o755)
        try Files.write(identifier + "\n", to: file, mode: 0o644)
        return identifier
    }
}
