import APIMachinery
import PKI
public import Support

/// Which resources are encrypted at rest, and how: the file of `--encryption-provider-config`
/// (`apiserver.config.k8s.io/v1.EncryptionConfiguration`). Prints nothing of its keys.
public struct EncryptionConfiguration: Sendable, CustomStringConvertible {
    /// The first entry that names a resource decides for it.
    let entries: [Entry]

    struct Entry: Sendable {
        var resources: [ResourcePattern]
        var chain: EncryptionChain
    }

    /// `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`.
    struct ResourcePattern: Hashable, Sendable {
        /// `*` for all.
        var resource: String
        /// `*` for all; empty is the core group.
        var group: String

        init(_ text: String) {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            resource = parts[0]
            group = parts.count > 1 ? parts[1] : ""
        }

        func matches(_ resource: String, _ group: String) -> Bool {
            (self.resource == "*" || self.resource == resource) && (self.group == "*" || self.group == group)
        }
    }

    /// Reads the file's text, YAML or JSON. A fault names the part of the file that is wrong.
    public init(text: String) throws(Fault) {
        let document = try ConfigurationDocument.read(
            text, kind: "EncryptionConfiguration", apiVersions: ["apiserver.config.k8s.io/v1", "v1"], Self.fault)
        let listed = document["resources"]?.array ?? []
        guard !listed.isEmpty else { throw Self.fault("resources: at least one entry is needed") }
        var entries: [Entry] = []
        for (index, entry) in listed.enumerated() {
            entries.append(try Self.entry(entry, "resources[\(index)]"))
        }
        self.entries = entries
    }

    public var description: String { "encryption of \(entries.flatMap(\.resources).count) resources" }

    /// `nil` for resources that are stored as they are.
    func chain(resource: String, group: String) -> EncryptionChain? {
        entries.first { $0.resources.contains { $0.matches(resource, group) } }?.chain
    }

    // MARK: Reading the file

    private static func entry(_ value: Value, _ path: String) throws(Fault) -> Entry {
        let names = (value["resources"]?.array ?? []).compactMap(\.string)
        guard !names.isEmpty else { throw fault("\(path).resources: at least one resource is needed") }
        for name in names { try check(name, "\(path).resources") }
        let patterns = names.map(ResourcePattern.init)
        // A wildcard hides what stands in the same list: one of the two was a mistake.
        for (index, a) in patterns.enumerated() {
            for b in patterns[(index + 1)...] where a.matches(b.resource, b.group) || b.matches(a.resource, a.group) {
                throw fault("\(path).resources: two resources overlap, as \"\(names[index])\" does with another")
            }
        }
        let listed = value["providers"]?.array ?? []
        guard !listed.isEmpty else { throw fault("\(path).providers: at least one provider is needed") }
        var providers: [EncryptionProvider] = []
        for (index, provider) in listed.enumerated() {
            providers.append(try self.provider(provider, "\(path).providers[\(index)]"))
        }
        return Entry(resources: patterns, chain: EncryptionChain(providers: providers))
    }

    private static func check(_ name: String, _ path: String) throws(Fault) {
        let isGood =
            name == "*." || name == "*.*" || name != "*" && !name.isEmpty
            && name.split(separator: ".", omittingEmptySubsequences: false).enumerated().allSatisfy { index, part in
                !part.isEmpty && (part == "*" ? index == 0 : !part.contains("*"))
            }
        guard isGood else {
            throw fault("\(path): \"\(name)\" is no resource, such as secrets, deployments.apps, *.apps, *. or *.*")
        }
        guard name == name.lowercased() else { throw fault("\(path): \"\(name)\" must be in lower case") }
        guard !name.contains("/") else { throw fault("\(path): \"\(name)\" is a subresource, which is not stored") }
    }

    private static func provider(_ value: Value, _ path: String) throws(Fault) -> EncryptionProvider {
        guard let fields = value.fields, let only = fields.first, fields.count == 1 else {
            throw fault("\(path): exactly one of aesgcm, aescbc, secretbox, identity is needed")
        }
        guard let method = EncryptionProvider.Method(rawValue: only.key) else {
            let why = only.key == "kms" ? "kms is not built in this version" : "\(only.key) is no provider"
            throw fault("\(path): \(why)")
        }
        guard method != .identity else { return EncryptionProvider(.identity, keys: []) }
        let listed = only.value["keys"]?.array ?? []
        let path = "\(path).\(only.key).keys"
        guard !listed.isEmpty else { throw fault("\(path): at least one key is needed") }
        var keys: [EncryptionProvider.Key] = []
        for (index, key) in listed.enumerated() { keys.append(try self.key(key, method, "\(path)[\(index)]")) }
        return EncryptionProvider(method, keys: keys)
    }

    private static func key(
        _ value: Value, _ method: EncryptionProvider.Method, _ path: String
    ) throws(Fault) -> EncryptionProvider.Key {
        let name = value["name"]?.string ?? ""
        guard !name.isEmpty, !name.contains(":") else {
            throw fault("\(path).name: a name without a colon is needed")
        }
        guard let text = value["secret"]?.string, !text.isEmpty, let bytes = Base64.decode(text) else {
            throw fault("\(path).secret: a key in Base64 is needed")
        }
        guard let cipher = cipher(method, bytes) else {
            let lengths = method == .secretbox ? [SecretBox.keyLength] : AESKey.lengths
            throw fault(
                "\(path).secret: the key has \(bytes.count) bytes, and must have one of \(lengths)")
        }
        return EncryptionProvider.Key(name: name, cipher: cipher)
    }

    private static func cipher(_ method: EncryptionProvider.Method, _ key: [UInt8]) -> EncryptionProvider.Cipher? {
        switch method {
        case .aescbc: AESKey(key).map { .cbc($0) }
        case .aesgcm: AESKey(key).map { .gcm($0) }
        case .secretbox: SecretBox(key: key).map { .box($0) }
        case .identity: nil
        }
    }

    private static func fault(_ why: String) -> Fault {
        Fault(
            .invalid, "the encryption configuration cannot be used: \(why)",
            remedy: "correct the file that --encryption-provider-config names")
    }
}
