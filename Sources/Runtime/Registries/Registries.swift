public import APIMachinery
import Host
public import Support

/// `registries.yaml`: where images come from, and how this node proves who it is there.
public struct Registries: Hashable, Sendable {
    /// Where else a registry's images are.
    public struct Mirror: Hashable, Sendable {
        /// URLs or hosts, tried in this order.
        public var endpoints: [String] = []
        /// Regular expression of the repository's path, and what replaces it.
        public var rewrites: [String: String] = [:]

        public init(endpoints: [String] = [], rewrites: [String: String] = [:]) {
            self.endpoints = endpoints
            self.rewrites = rewrites
        }
    }

    /// How one host is spoken to.
    public struct HostOptions: Hashable, Sendable {
        public var auth: Auth?
        public var tls: TLS?

        public init(auth: Auth? = nil, tls: TLS? = nil) {
            self.auth = auth
            self.tls = tls
        }
    }

    public struct Auth: Hashable, Sendable {
        public var username = ""
        public var password = ""
        /// Base64 of `username:password`.
        public var auth = ""
        public var identityToken = ""

        public init() {}
    }

    /// Files are absolute paths of this node.
    public struct TLS: Hashable, Sendable {
        public var caFile = ""
        public var certFile = ""
        public var keyFile = ""
        public var insecureSkipVerify = false

        public init() {}
    }

    /// By the registry's name in image references; `*` for all others.
    public var mirrors: [String: Mirror] = [:]
    /// By the host that is contacted, an endpoint's or a registry's; `*` for all others.
    public var configs: [String: HostOptions] = [:]

    public init() {}
}

extension Registries {
    /// Reads the file's content. `path` is for the faults, which name the field that is wrong.
    public init(_ value: Value, path: String = "registries.yaml") throws(Fault) {
        // An empty file says nothing.
        guard !value.isNull else { return }
        let root = try Section(value, "", in: path)
        try root.check(["mirrors", "configs", "auths"])
        for (name, value) in try root.sections("mirrors") { mirrors[name] = try Mirror(value) }
        for (host, value) in try root.sections("configs") { configs[host] = try HostOptions(value) }
    }

    /// Reads `registries.yaml`, or what `--private-registry` names. A file that is not there says nothing.
    public static func read(_ path: String) throws(Fault) -> Registries {
        guard Files.exists(path) else { return Registries() }
        let text = try Files.readText(path, limit: .mebibytes(1))
        let value: Value
        do throws(YAMLError) {
            value = try YAML.document(text)
        } catch {
            throw Fault(.invalid, "\(path): \(error)", remedy: "correct the file", cause: error)
        }
        return try Registries(value, path: path)
    }

    /// How `host` is spoken to. Docker Hub's options may be given under its name or under the host that
    /// serves it.
    func options(for host: String) -> HostOptions {
        if let options = configs[host] { return options }
        if host == "registry-1.docker.io", let options = configs["docker.io"] { return options }
        return configs["*"] ?? HostOptions()
    }
}

extension Registries.Mirror {
    fileprivate init(_ section: Section) throws(Fault) {
        try section.check(["endpoint", "rewrite"])
        endpoints = try section.list("endpoint")
        rewrites = try section.map("rewrite")
        for endpoint in endpoints where RegistryEndpoint(endpoint) == nil {
            throw section.fault("endpoint", "\"\(endpoint)\" is not an http or https URL")
        }
        for (pattern, replacement) in rewrites {
            do throws(RegularExpressionError) { _ = try PatternReplacement(pattern, with: replacement) } catch {
                throw section.fault("rewrite", "\(error)")
            }
        }
    }
}

extension Registries.HostOptions {
    fileprivate init(_ section: Section) throws(Fault) {
        try section.check(["auth", "tls"])
        if let section = try section.section("auth") {
            try section.check(["username", "password", "auth", "identity_token"])
            var auth = Registries.Auth()
            auth.username = try section.text("username")
            auth.password = try section.text("password")
            auth.auth = try section.text("auth")
            auth.identityToken = try section.text("identity_token")
            self.auth = auth
        }
        if let section = try section.section("tls") {
            try section.check(["ca_file", "cert_file", "key_file", "insecure_skip_verify"])
            var tls = Registries.TLS()
            tls.caFile = try section.text("ca_file")
            tls.certFile = try section.text("cert_file")
            tls.keyFile = try section.text("key_file")
            tls.insecureSkipVerify = try section.flag("insecure_skip_verify")
            self.tls = tls
        }
    }
}

/// One object of the file, with the way to it.
private struct Section {
    private let fields: Fields
    private let place: String
    private let path: String

    init(_ value: Value, _ place: String, in path: String) throws(Fault) {
        (self.place, self.path) = (place, path)
        guard let fields = value.fields else {
            throw Fault(
                .invalid, "\(path): \(place.isEmpty ? "the file" : place) is a \(value.kindName), not a map",
                remedy: "correct the file")
        }
        self.fields = fields
    }

    func fault(_ key: String, _ what: String) -> Fault {
        Fault(.invalid, "\(path): \(name(key)): \(what)", remedy: "correct the file")
    }

    private func name(_ key: String) -> String { place.isEmpty ? key : place + "." + key }

    /// A misspelt key would otherwise only be noticed by pulls that go the wrong way.
    func check(_ known: Set<String>) throws(Fault) {
        for key in fields.keys where !known.contains(key) {
            throw fault(key, "there is no such key, only \(known.sorted().joined(separator: ", "))")
        }
    }

    func section(_ key: String) throws(Fault) -> Section? {
        guard let value = fields[key], !value.isNull else { return nil }
        return try Section(value, name(key), in: path)
    }

    /// The entries of a map of maps; an entry without content is an empty map.
    func sections(_ key: String) throws(Fault) -> [(String, Section)] {
        guard let parent = try section(key) else { return [] }
        var found: [(String, Section)] = []
        for (name, value) in parent.fields {
            found.append(
                (name, try Section(value.isNull ? .emptyObject : value, parent.name(name), in: path)))
        }
        return found
    }

    /// A text; a number is taken as it is written, since a password may look like one.
    func text(_ key: String) throws(Fault) -> String {
        switch fields[key] {
        case nil, .null: return ""
        case .string(let text): return text
        case .integer(let number): return String(number)
        case let value?: throw fault(key, "a \(value.kindName) is not a text")
        }
    }

    func flag(_ key: String) throws(Fault) -> Bool {
        switch fields[key] {
        case nil, .null: return false
        case .bool(let flag): return flag
        case let value?: throw fault(key, "a \(value.kindName) is not true or false")
        }
    }

    func list(_ key: String) throws(Fault) -> [String] {
        guard let value = fields[key], !value.isNull else { return [] }
        guard let array = value.array else { throw fault(key, "a \(value.kindName) is not a list") }
        var texts: [String] = []
        for element in array {
            guard let text = element.string else {
                throw fault(key, "a \(element.kindName) in it is not a text")
            }
            texts.append(text)
        }
        return texts
    }

    func map(_ key: String) throws(Fault) -> [String: String] {
        guard let section = try section(key) else { return [:] }
        var map: [String: String] = [:]
        for key in section.fields.keys { map[key] = try section.text(key) }
        return map
    }
}
