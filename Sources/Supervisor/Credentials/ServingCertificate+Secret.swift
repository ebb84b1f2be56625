import APIMachinery
import PKI
import Support

/// The record of the front listener's certificate: a Secret, as JSON in `dynamic-cert.json`.
extension ServingCertificate {
    private static let namePrefix = "listener.cattle.io/cn-"
    private static let fingerprintKey = "listener.cattle.io/fingerprint"
    private static let staticKey = "listener.cattle.io/static"

    /// The annotations of the Secret: one for each name, and the fingerprint.
    public var annotations: [String: String] {
        var annotations: [String: String] = [:]
        for name in names { annotations[Self.annotationKey(name)] = name }
        if let certificate {
            annotations[Self.fingerprintKey] = "SHA1=" + Hex.encode(Digest.sha1(certificate.der)).uppercased()
        }
        if isStatic { annotations[Self.staticKey] = "true" }
        return annotations
    }

    /// The key under which a name is noted: as it is where that is a valid annotation key, else cut and
    /// hashed.
    static func annotationKey(_ name: String) -> String {
        let key = namePrefix + name
        if key.utf8.count < 64, !key.contains(":"), !key.contains("*") { return key }
        let safe = String(key.map { $0 == ":" || $0 == "*" ? "_" : $0 })
        return safe.prefix(56) + "-" + Hex.encode(Digest.sha256(key.utf8)).prefix(6)
    }

    /// The Secret. A certificate that was not made yet has no record: empty data.
    public var secretJSON: [UInt8] {
        let data: Value = [
            "tls.crt": .string(Base64.encode(certificatePEM)),
            "tls.key": .string(Base64.encode((try? key.pem) ?? [])),
        ]
        let secret: Value = [
            "apiVersion": "v1", "kind": "Secret",
            "metadata": [
                "name": "k3s-serving", "namespace": "kube-system", "annotations": Value(annotations),
            ],
            "data": data, "type": "kubernetes.io/tls",
        ]
        return secret.json + [10]
    }

    /// Reads the record; `nil` when it holds no usable pair, so that a new one is made.
    public init?(secretJSON bytes: [UInt8]) {
        guard let secret = try? Value(json: bytes),
            let chain = secret.at("data", "tls.crt")?.string.flatMap({ Base64.decode($0) }),
            let keyPEM = secret.at("data", "tls.key")?.string.flatMap({ Base64.decode($0) }),
            let key = try? PrivateKey(pem: keyPEM), let leaf = try? Certificate.all(pem: chain).first,
            leaf.publicKey == key.publicKey
        else { return nil }
        self.init(key: key)
        certificate = leaf
        certificatePEM = chain
        let annotations = secret.at("metadata", "annotations")?.strings ?? [:]
        names = annotations.filter { $0.key.hasPrefix(Self.namePrefix) }.map { Self.canonical($0.value) }
            .withoutRepetition.sorted()
        isStatic = annotations[Self.staticKey] == "true"
    }
}
