import Support

/// A client's configuration with one cluster, one user and one context, as YAML that every client library
/// reads.
struct Kubeconfig {
    /// A certificate or key: inside the file, or beside it.
    enum Material {
        case data([UInt8])
        case file(String)
    }

    var server: String
    var cluster: String
    var user: String
    var context: String
    var authority: Material
    var certificate: Material
    var key: Material

    /// With paths, for a component on this machine; named as k3s names them.
    static func component(server: String, authority: String, certificate: String, key: String) -> Kubeconfig {
        Kubeconfig(
            server: server, cluster: "local", user: "user", context: "Default", authority: .file(authority),
            certificate: .file(certificate), key: .file(key))
    }

    /// The file, ready to be given away as it is.
    static func standalone(
        name: String, server: String, authority: [UInt8], certificate: [UInt8], key: [UInt8]
    ) -> Kubeconfig {
        Kubeconfig(
            server: server, cluster: name, user: name, context: name, authority: .data(authority),
            certificate: .data(certificate), key: .data(key))
    }

    /// The content of the file.
    var yaml: [UInt8] {
        let text = """
            apiVersion: v1
            clusters:
            - cluster:
                \(Self.entry("certificate-authority", authority))
                server: \(Self.scalar(server))
              name: \(Self.scalar(cluster))
            contexts:
            - context:
                cluster: \(Self.scalar(cluster))
                user: \(Self.scalar(user))
              name: \(Self.scalar(context))
            current-context: \(Self.scalar(context))
            kind: Config
            users:
            - name: \(Self.scalar(user))
              user:
                \(Self.entry("client-certificate", certificate))
                \(Self.entry("client-key", key))

            """
        return Array(text.utf8)
    }

    private static func entry(_ name: String, _ material: Material) -> String {
        switch material {
        case .data(let bytes): "\(name)-data: \(Base64.encode(bytes))"
        case .file(let path): "\(name): \(scalar(path))"
        }
    }

    /// Plain where YAML cannot mistake it for anything but this text, else in double quotes.
    private static func scalar(_ text: String) -> String {
        let words: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "/._:-@[]".utf8.contains(byte)
            }
        }
        let start = text.first.map { $0.isASCII && ($0.isLetter || $0 == "/") } ?? false
        if isWord, start, text.last != ":", !words.contains(text.lowercased()) { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                quoted += "\\x" + Hex.encode([UInt8(scalar.value)])
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
