import PKI
import Support

/// One way to encrypt stored values, with its keys: the first key writes, all read.
///
/// A stored value says in front how it was made, as `k8s:enc:aescbc:v1:key1:` (Kubernetes documentation, "Encrypting
/// Confidential Data at Rest").
struct EncryptionProvider: Sendable {
    /// How each encrypted value begins, whatever the way.
    static let mark = Array("k8s:enc:".utf8)

    /// The ways that are built. `identity` stores values as they are, and has no keys.
    enum Method: String, CaseIterable, Sendable {
        case aescbc, aesgcm, secretbox, identity
    }

    struct Key: Sendable {
        var name: String
        var cipher: Cipher
    }

    enum Cipher: Sendable {
        case cbc(AESKey)
        case gcm(AESKey)
        case box(SecretBox)

        /// `path` is the key of the value in the log: where the way can, it binds the value to its place.
        func seal(_ value: [UInt8], at path: String) throws(Fault) -> [UInt8] {
            switch self {
            case .cbc(let key): try key.encryptCBC(value)
            case .gcm(let key): try key.sealGCM(value, associated: Array(path.utf8))
            case .box(let box): try box.seal(value)
            }
        }

        func open(_ sealed: [UInt8], at path: String) -> [UInt8]? {
            switch self {
            case .cbc(let key): key.decryptCBC(sealed)
            case .gcm(let key): key.openGCM(sealed, associated: Array(path.utf8))
            case .box(let box): box.open(sealed)
            }
        }
    }

    let method: Method
    private let keys: [(prefix: [UInt8], cipher: Cipher)]
    private let prefix: [UInt8]

    init(_ method: Method, keys: [Key]) {
        precondition(method == .identity || !keys.isEmpty, "a way to encrypt needs a key")
        self.method = method
        let prefix = method == .identity ? [] : Array("k8s:enc:\(method.rawValue):v1:".utf8)
        self.prefix = prefix
        self.keys = keys.map { (prefix + Array("\($0.name):".utf8), $0.cipher) }
    }

    /// The value as it is to be stored.
    func seal(_ value: [UInt8], at path: String) throws(Fault) -> [UInt8] {
        guard let first = keys.first else { return value }
        return first.prefix + (try first.cipher.seal(value, at: path))
    }

    /// What a stored value comes to.
    enum Reading: Sendable {
        /// `isCurrent` when the first key made it.
        case value([UInt8], isCurrent: Bool)
        /// Another provider made it.
        case foreign
        /// This provider made it, and cannot read it.
        case unreadable(String)
    }

    func open(_ stored: [UInt8], at path: String) -> Reading {
        if method == .identity { return stored.starts(with: Self.mark) ? .foreign : .value(stored, isCurrent: true) }
        guard stored.starts(with: prefix) else { return .foreign }
        // Two keys may have one name after a rotation by hand.
        let named = keys.enumerated().filter { stored.starts(with: $0.element.prefix) }
        for (index, key) in named {
            if let value = key.cipher.open(Array(stored[key.prefix.count...]), at: path) {
                return .value(value, isCurrent: index == 0)
            }
        }
        return .unreadable(
            named.isEmpty
                ? "it was encrypted by \(method.rawValue) with a key that is not in the configuration"
                : "the key of \(method.rawValue) in the configuration is not the one it was encrypted with, or it was changed")
    }
}

/// The providers of one resource in their order: the first writes, all read.
struct EncryptionChain: Sendable {
    let providers: [EncryptionProvider]

    /// Of what is stored as it is.
    static let plain = EncryptionChain(providers: [EncryptionProvider(.identity, keys: [])])

    func seal(_ value: [UInt8], at path: String) throws(Fault) -> [UInt8] {
        guard let first = providers.first else { return value }
        return try first.seal(value, at: path)
    }

    /// The value, and whether a write would store it in the same way.
    func open(_ stored: [UInt8], at path: String) throws(Fault) -> (value: [UInt8], isCurrent: Bool) {
        var why = "no provider of the configuration made it"
        for (index, provider) in providers.enumerated() {
            switch provider.open(stored, at: path) {
            case .value(let value, let isCurrent): return (value, isCurrent && index == 0)
            case .foreign: continue
            case .unreadable(let reason): why = reason
            }
        }
        throw Fault(.corrupt, why)
    }
}
