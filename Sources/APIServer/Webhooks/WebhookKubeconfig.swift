import APIMachinery
public import Support

/// Where a webhook for tokens or for authorisation listens and how this server shows who it is: the current context of a
/// kubeconfig file (Kubernetes documentation, "Webhook Mode"). Prints nothing of its secrets.
public struct WebhookKubeconfig: Sendable, CustomStringConvertible {
    /// `https`, in full.
    let url: String
    /// Who may have signed the server's certificate, as PEM; `nil`: whom this system trusts.
    let authorities: [UInt8]?
    let isVerifying: Bool
    /// The name that the certificate must hold, when it is not the host of the URL.
    let serverName: String?
    let certificatePEM: [UInt8]?
    let keyPEM: [UInt8]?
    /// The `Authorization` header.
    let authorization: String?

    /// Reads the text of a file. Files that it names are read by `read`; where a name is no absolute path, it is one below
    /// the folder of the file, which is `read`'s to see to. Fails with a sentence that names what is wrong.
    public init(text: String, read: (String) throws(Fault) -> [UInt8]) throws(Fault) {
        let document: Value
        do throws(YAMLError) {
            document = try YAML.document(text)
        } catch {
            throw Self.fault("it is not YAML: \(error)")
        }
        let name = document["current-context"]?.string ?? ""
        guard !name.isEmpty else { throw Self.fault("it has no current-context") }
        let context = try Self.entry(document, "contexts", name, "context")
        let cluster = try Self.entry(document, "clusters", context["cluster"]?.string ?? "", "cluster")
        let userName = context["user"]?.string ?? ""
        let user = userName.isEmpty ? .emptyObject : try Self.entry(document, "users", userName, "user")
        url = cluster["server"]?.string ?? ""
        guard url.hasPrefix("https://") else { throw Self.fault("the server must be an https URL") }
        authorities = try Self.bytes(cluster, "certificate-authority", read)
        isVerifying = cluster["insecure-skip-tls-verify"] != true
        serverName = cluster["tls-server-name"]?.string
        certificatePEM = try Self.bytes(user, "client-certificate", read)
        keyPEM = try Self.bytes(user, "client-key", read)
        authorization = try Self.authorization(user, read)
    }

    public var description: String { "webhook at \(url)" }

    private static func entry(
        _ document: Value, _ list: String, _ name: String, _ field: String
    ) throws(Fault) -> Value {
        let found = (document[list]?.array ?? []).first { $0["name"]?.string == name }
        guard let entry = found?[field] else { throw fault("\(list) has no entry \"\(name)\"") }
        return entry
    }

    /// What `KEY-data` holds in Base64, or else the file that `KEY` names.
    private static func bytes(
        _ value: Value, _ key: String, _ read: (String) throws(Fault) -> [UInt8]
    ) throws(Fault) -> [UInt8]? {
        if let data = value[key + "-data"]?.string, !data.isEmpty {
            guard let bytes = Base64.decode(data) else { throw fault("\(key)-data is not Base64") }
            return bytes
        }
        guard let file = value[key]?.string, !file.isEmpty else { return nil }
        return try read(file)
    }

    private static func authorization(
        _ user: Value, _ read: (String) throws(Fault) -> [UInt8]
    ) throws(Fault) -> String? {
        for key in ["exec", "auth-provider"] where user[key] != nil {
            throw fault("\(key) is not built in this version; use a certificate, a token or a password")
        }
        if let file = user["tokenFile"]?.string, !file.isEmpty {
            let text = String(decoding: try read(file), as: UTF8.self)
            return "Bearer " + text.filter { !$0.isWhitespace }
        }
        if let token = user["token"]?.string, !token.isEmpty { return "Bearer " + token }
        guard let name = user["username"]?.string, !name.isEmpty else { return nil }
        return "Basic " + Base64.encode("\(name):\(user["password"]?.string ?? "")".utf8)
    }

    private static func fault(_ why: String) -> Fault {
        Fault(.invalid, "the kubeconfig cannot be used: \(why)", remedy: "correct the file")
    }
}
