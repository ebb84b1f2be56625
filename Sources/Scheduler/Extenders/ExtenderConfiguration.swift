import APIMachinery
public import Support

/// A call to an extender: a POST of JSON, whose answer's body comes back.
public struct ExtenderRequest: Sendable {
    public var url: String
    public var body: [UInt8]
    public var timeout: Duration
    /// How to speak TLS; `nil` for plain HTTP.
    public var security: ExtenderSecurity?
}

/// Whom to trust, and who to be, when an extender is called by TLS (`ExtenderTLSConfig`).
public struct ExtenderSecurity: Sendable {
    /// Whether any certificate will do.
    public var isInsecure = false
    /// What the certificate must name, if not the URL's host.
    public var serverName: String?
    /// In PEM.
    public var authorities: [UInt8]?
    public var certificate: [UInt8]?
    public var key: [UInt8]?
    /// The same in files, to be read by whoever calls.
    public var authoritiesFile: String?
    public var certificateFile: String?
    public var keyFile: String?
}

/// Carries a call out. Any answer but 200 is a fault.
public typealias ExtenderCall = @Sendable (ExtenderRequest) async throws(Fault) -> [UInt8]

/// A program beside the cluster that has a say in where pods go (`Extender`).
struct ExtenderConfiguration: Sendable {
    var url: String
    var filterVerb: String?
    var prioritizeVerb: String?
    var bindVerb: String?
    var preemptVerb: String?
    var weight: Int
    var security: ExtenderSecurity?
    var timeout: Duration
    /// Whether it knows the nodes itself, so that names suffice.
    var knowsNodes: Bool
    /// Only pods that ask for one of these concern it; all do, when it names none.
    var managed: Set<String> = []
    /// Of those, what the scheduler does not count itself.
    var ignored: Set<String> = []
    /// Whether pods are scheduled without it when it does not answer.
    var isIgnorable: Bool

    init(_ item: (value: Value, path: String)) throws(Fault) {
        let reader = try ConfigurationReader(item.value, item.path, Self.fields)
        guard let url = try reader.text("urlPrefix"), !url.isEmpty else {
            throw reader.fault("urlPrefix", "is missing")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        func verb(_ key: String) throws(Fault) -> String? {
            let verb = try reader.text(key) ?? ""
            return verb.isEmpty ? nil : verb
        }
        filterVerb = try verb("filterVerb")
        prioritizeVerb = try verb("prioritizeVerb")
        bindVerb = try verb("bindVerb")
        preemptVerb = try verb("preemptVerb")
        weight = try reader.number("weight", 0...1_000_000) ?? 0
        guard prioritizeVerb == nil || weight > 0 else { throw reader.fault("weight", "must be greater than 0") }
        knowsNodes = try reader.flag("nodeCacheCapable") ?? false
        isIgnorable = try reader.flag("ignorable") ?? false
        timeout = .seconds(5)
        if let text = try reader.text("httpTimeout") {
            guard let given = try? GoDuration.parse(text) else {
                throw reader.fault("httpTimeout", "is no duration, such as 5s")
            }
            if given > .zero { timeout = given }
        }
        security = try Self.security(reader)
        for item in try reader.items("managedResources") {
            let resource = try ConfigurationReader(item.value, item.path, ["name", "ignoredByScheduler"])
            let name = try resource.text("name") ?? ""
            managed.insert(name)
            if try resource.flag("ignoredByScheduler") ?? false { ignored.insert(name) }
        }
    }

    private static let fields: Set<String> = [
        "urlPrefix", "filterVerb", "preemptVerb", "prioritizeVerb", "weight", "bindVerb", "enableHTTPS", "tlsConfig",
        "httpTimeout", "nodeCacheCapable", "managedResources", "ignorable",
    ]

    private static func security(_ reader: ConfigurationReader) throws(Fault) -> ExtenderSecurity? {
        let known: Set<String> = [
            "insecure", "serverName", "certFile", "keyFile", "caFile", "certData", "keyData", "caData",
        ]
        guard let given = try reader.object("tlsConfig", known) else {
            return try reader.flag("enableHTTPS") ?? false ? ExtenderSecurity() : nil
        }
        func data(_ key: String) throws(Fault) -> [UInt8]? {
            guard let text = try given.text(key) else { return nil }
            guard let bytes = Base64.decode(text) else { throw given.fault(key, "is no base64") }
            return bytes
        }
        var security = ExtenderSecurity()
        security.isInsecure = try given.flag("insecure") ?? false
        security.serverName = try given.text("serverName")
        security.authorities = try data("caData")
        security.certificate = try data("certData")
        security.key = try data("keyData")
        security.authoritiesFile = try given.text("caFile")
        security.certificateFile = try given.text("certFile")
        security.keyFile = try given.text("keyFile")
        return security
    }

    /// Whether a pod concerns it.
    func isInterested(in pod: Value) -> Bool {
        guard !managed.isEmpty else { return true }
        let containers = (pod.at("spec", "containers")?.array ?? []) + (pod.at("spec", "initContainers")?.array ?? [])
        return containers.contains { container in
            ["requests", "limits"].contains { list in
                container.at("resources", list)?.fields?.contains { managed.contains($0.key) } ?? false
            }
        }
    }
}
